/** Documents for the tests of this room: one sound guest, in the forms in which people write it, and changes to it. */
import type { HostReport } from '../../src/model/generated/host-report.ts';
import type { ValidationFinding } from '../../src/model/generated/validation.ts';
import validateSchema from '../../src/model/generated/validation.validate.js';
import { validateDocument, type ValidateOptions } from '../../src/validate/validate-document.ts';
import { validationOf } from '../../src/validate/validation.ts';
import { reportWith } from '../report-builder.ts';

/** Of the lab: vp0 (page-per-vq, safe), vp1 (4-byte doorbells), sim0, blk0 on host l1. */
export const l1: HostReport = reportWith();

export const source = "<source dev='/dev/vhost-vdpa-0'/>";
export const model = "<model type='virtio'/>";
export const driver = "<driver page_per_vq='off'/>";

/** A vDPA interface; parts may be replaced, and others added. */
export function nic({
  mac = '52:54:00:0d:0a:00',
  src = source,
  mod = model,
  drv = driver,
  more = '',
}: Partial<Record<'mac' | 'src' | 'mod' | 'drv' | 'more', string>> = {}): string {
  return `<interface type='vdpa'>\n<mac address='${mac}'/>\n${src}\n${mod}\n${drv}\n${more}<alias name='ua-net0'/>\n</interface>`;
}

/** A libvirt domain with these devices, as the QEMU driver takes it. */
export function domain(
  devices: string,
  {
    machine = 'pc-q35-7.2',
    head = '',
    tail = '',
    name = 'a',
  }: Partial<Record<'machine' | 'head' | 'tail' | 'name', string>> = {},
): string {
  const type =
    machine === '' ? "<type arch='x86_64'>hvm</type>" : `<type arch='x86_64' machine='${machine}'>hvm</type>`;
  return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<name>${name}</name>
${head}<memory unit='MiB'>128</memory>
<vcpu>1</vcpu>
<os>${type}</os>
<devices>
${devices}
<memballoon model='none'/>
</devices>
${tail}</domain>
`;
}

export const rootPort = '-device pcie-root-port,id=rp1,bus=pcie.0,addr=0x2,chassis=1';

/** A command line with one vDPA NIC behind a root port; `more` goes to its -device, `rest` stands behind. */
export function args(more = '', rest = '', { netdev = '', machine = '-M pc-q35-7.2' } = {}): string {
  return `qemu-system-x86_64 ${machine} -nodefaults -cpu qemu64 -m 128M
${rootPort}
-netdev vhost-vdpa,id=n0,vhostdev=/dev/vhost-vdpa-0${netdev === '' ? '' : `,${netdev}`}
-device virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:0d:0a:00,bus=rp1,addr=0x0,page-per-vq=off,vectors=4${more === '' ? '' : `,${more}`}
${rest}`;
}

/** What is found in a text; the result keeps to its schema. */
export async function findingsIn(text: string, options: ValidateOptions = {}): Promise<readonly ValidationFinding[]> {
  const validated = await validateDocument(text, options);
  const whole = validationOf([validated]);
  if (!validateSchema(whole)) throw new Error(JSON.stringify(validateSchema.errors));
  return validated.findings;
}

/** `code severity` of each finding, each once. */
export async function codesIn(text: string, options: ValidateOptions = {}): Promise<string[]> {
  const findings = await findingsIn(text, options);
  return [...new Set(findings.map(({ code, severity }) => `${code} ${severity}`))].sort();
}
