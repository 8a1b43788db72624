/**
 * What is known of the kernel's vDPA parent drivers, as data: what each says of its doorbells in
 * `get_vq_notification`, and what is wrong with it. The running kernel's answer always wins over this table;
 * the table only adds what the kernel does not check.
 */
export interface ParentKnowledge {
  /** driver name of the parent device, or the management device's name where there is no parent device */
  readonly driver: string;
  /** what the driver reports as notification area */
  readonly area: 'none' | 'virtio-notify-capability' | 'shared-page';
  /** true: works on user virtual addresses and skips guest memory that is not a shared mapping */
  readonly usesVirtualAddress: boolean;
  /** set: the exported page also holds something that a guest must not reach */
  readonly hazard?: string;
  /** kernel file and function */
  readonly source: string;
}

/** The vdpa device hangs below the PCI function or the subfunction, whose driver is mlx5_core's, not below mlx5_vdpa. */
const mlx5: Omit<ParentKnowledge, 'driver'> = {
  area: 'shared-page',
  usesVirtualAddress: false,
  source:
    'drivers/vdpa/mlx5/net/mlx5_vnet.c: mlx5_get_vq_notification() reports one page for all data virtqueues, none for the control virtqueue',
};

export const parents: readonly ParentKnowledge[] = [
  {
    driver: 'vp-vdpa',
    area: 'virtio-notify-capability',
    usesVirtualAddress: false,
    source: 'drivers/vdpa/virtio_pci/vp_vdpa.c: vp_vdpa_get_vq_notification() reports notify_pa and the multiplier',
  },
  {
    driver: 'ifcvf',
    area: 'virtio-notify-capability',
    usesVirtualAddress: false,
    source:
      'drivers/vdpa/ifcvf/ifcvf_main.c: ifcvf_get_vq_notification() reports the multiplier, or a whole page where it is 0',
  },
  {
    driver: 'pds_vdpa.vDPA',
    area: 'virtio-notify-capability',
    usesVirtualAddress: false,
    source:
      'drivers/vdpa/pds/vdpa_dev.c: pds_vdpa_get_vq_notification() reports the multiplier, or a whole page where it is 0',
  },
  {
    driver: 'octep_vdpa',
    area: 'virtio-notify-capability',
    usesVirtualAddress: false,
    hazard: 'the interrupt cause byte of the queue lies at doorbell + 4, in the exported page',
    source:
      'drivers/vdpa/octeon_ep/octep_vdpa_main.c: octep_vdpa_get_vq_notification(); octep_vdpa_hw.c: cb_notify_addr',
  },
  { driver: 'mlx5_core', ...mlx5 },
  { driver: 'mlx5_core.sf', ...mlx5 },
  {
    driver: 'alibaba-eni-vdpa',
    area: 'none',
    usesVirtualAddress: false,
    source: 'drivers/vdpa/alibaba/eni_vdpa.c: no get_vq_notification',
  },
  {
    driver: 'snet-vdpa-driver',
    area: 'none',
    usesVirtualAddress: false,
    source: 'drivers/vdpa/solidrun/snet_main.c: no get_vq_notification',
  },
  {
    driver: 'vdpasim_net',
    area: 'none',
    usesVirtualAddress: true,
    source: 'drivers/vdpa/vdpa_sim/vdpa_sim.c: no get_vq_notification; use_va',
  },
  {
    driver: 'vdpasim_blk',
    area: 'none',
    usesVirtualAddress: true,
    source: 'drivers/vdpa/vdpa_sim/vdpa_sim.c: no get_vq_notification; use_va',
  },
  {
    driver: 'vduse',
    area: 'none',
    usesVirtualAddress: true,
    source: 'drivers/vdpa/vdpa_user/vduse_dev.c: no get_vq_notification; use_va',
  },
];

/** The row of a parent driver; undefined where we know nothing of it. */
export function knowledgeOf(driver: string | null): ParentKnowledge | undefined {
  return parents.find((row) => row.driver === driver);
}
