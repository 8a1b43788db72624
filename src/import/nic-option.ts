import { knownText, type Complaint, type Option } from './option.ts';
import { MalformedOption, parseOptionValues, type OptionValues, type Scalar } from './option-values.ts';
import { unknown, type Fact } from '../model/fact.ts';

/** What of -nic is the device's; the rest is the back end's (net/net.c: net_param_nic()). */
const ofDevice: ReadonlySet<string> = new Set(['model', 'mac', 'addr', 'vectors', 'type', 'id']);

/** `-nic vhost-vdpa,..` is -netdev and -device in one; every other -nic stays as it is. */
export function withNics(options: readonly Option[], complain: (complaint: Complaint) => void): Option[] {
  const machine = knownText(
    options.findLast(({ name, values }) => name === 'machine' && values.has('type')),
    'type',
  );
  const nics = options.filter(({ name }) => name === 'nic');
  return options.flatMap((option, index) => {
    if (option.name !== 'nic' || !option.text.includes('vhost-vdpa')) return [option];
    const values = valuesOf(option, complain);
    if (values?.get('type') !== 'vhost-vdpa') return [option];
    const netdev = values.get('id') ?? `nic${index}`;
    const { text, place } = option;
    const rest = [...values].filter(([name]) => !ofDevice.has(name));
    // the board creates them before all -device, in their own order (hw/pci/pci.c: pci_init_nic_devices())
    const order = nics.indexOf(option) + 1;
    const own = new Map<string, Fact<Scalar>>([
      ['mac', unknown('not-present', `no MAC address is given: QEMU gives one by the order of -nic (${order})`)],
      ['addr', unknown('not-present', `no PCI address is given: QEMU gives one by the order of -nic (${order})`)],
    ]);
    for (const name of ['mac', 'addr', 'vectors']) {
      const value = values.get(name);
      if (value !== undefined) own.set(name, value);
    }
    const driver = driverOf(values.get('model'), machine);
    return [
      { name: 'netdev', values: new Map([['type', 'vhost-vdpa'], ['id', netdev], ...rest]), text, place },
      { name: 'device', values: new Map([['driver', driver], ['netdev', netdev], ...own]), text, place },
    ];
  });
}

function valuesOf({ text, place }: Option, complain: (complaint: Complaint) => void): OptionValues | undefined {
  try {
    return parseOptionValues(text, 'type');
  } catch (thrown) {
    if (!(thrown instanceof MalformedOption)) throw thrown;
    complain({ code: 'import.malformed-option', severity: 'error', message: `-nic ${thrown.message}`, place });
    return undefined;
  }
}

/** `virtio` is short for virtio-net-pci; without a model it is the machine's own (mc->default_nic). */
function driverOf(model: Fact<Scalar> | undefined, machine = ''): Fact<Scalar> {
  if (model === 'virtio') return 'virtio-net-pci';
  if (model !== undefined) return model;
  if (machine.startsWith('virt')) return 'virtio-net-pci';
  return machine.includes('q35') ? 'e1000e' : 'e1000';
}
