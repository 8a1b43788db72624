import type { ToolConfig, ToolDevice } from '../host/vdpa-json.ts';
import { VIRTIO_ID_NET } from '../host/virtio-config.ts';
import { isUnknown, type Fact } from '../model/fact.ts';
import type { Identity, Unknown } from '../model/generated/host-report.ts';

/**
 * What netlink tells of a device that was not opened. Everything else stays unknown for the reason why it was not.
 * `negotiation` is then what the present user of the device negotiated, and absent while there is none.
 */
export function identityByNetlink(row: ToolDevice | undefined, config: Fact<ToolConfig>, reason: Unknown): Identity {
  return {
    virtioId: row?.virtioId ?? reason,
    features: reason, // `vdpa` does not print VDPA_ATTR_DEV_FEATURES
    backendFeatures: reason,
    vqCount: row?.maxVqs ?? reason,
    vqSizeMax: row?.maxVqSize ?? reason,
    configSize: reason,
    iovaRange: reason,
    groupCount: reason,
    addressSpaceCount: reason,
    config: configOf(row?.virtioId, config, reason),
    negotiation: isUnknown(config) ? reason : (config.negotiatedFeatures ?? reason),
  };
}

function configOf(virtioId: number | undefined, config: Fact<ToolConfig>, reason: Unknown): Identity['config'] {
  if (virtioId !== VIRTIO_ID_NET) return reason;
  if (isUnknown(config)) return config;
  const { mac, mtu, maxVirtqueuePairs } = config;
  return {
    class: 'net',
    ...(mac === undefined ? {} : { mac }),
    // The kernel reports it only where MQ or RSS is offered (drivers/vdpa/vdpa.c: vdpa_dev_net_mq_config_fill()).
    maxVirtqueuePairs: maxVirtqueuePairs ?? 1,
    ...(mtu === undefined ? {} : { mtu }),
  };
}
