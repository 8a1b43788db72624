#!/usr/bin/env node
// Launches a VM, verifies it, and exits with 1 when a host notifier that must be active is not: what a provisioning
// script does before it hands a VM over. Run as root on a host with vDPA devices:
//
//   node launch-and-verify.mjs vm.yaml [SECONDS]
//
// The VM is left running when all is well; pid and QMP socket are printed. Whoever ends it removes their folder. A signal
// before that ends the VM with this script.
import { readFile } from 'node:fs/promises';
import { hasErrors, launchVm, loadSpec, planVm, probeHost } from 'vdpa-qemu';

const [file, seconds = '60'] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: launch-and-verify.mjs SPEC [SECONDS]');
  process.exit(2);
}

const { spec, findings } = loadSpec(await readFile(file, 'utf8'), file);
if (!spec) fail(findings);

// Probed before the VM starts: only an idle device can be asked for its doorbells.
const report = await probeHost();
const planned = planVm(spec, [report]);
if (!planned.plan) fail(planned.findings);

const vm = await launchVm(planned.plan, { report, require: 'all', timeoutMs: Number(seconds) * 1000 });
for (const device of vm.verification.devices) console.log(`${device.device}: ${device.verdict}: ${device.summary}`);
if (hasErrors(vm.verification.findings)) {
  await vm.stop();
  fail(vm.verification.findings);
}
vm.detach();
console.log(`pid ${vm.pid}\nqmp ${vm.socket}`);

function fail(found) {
  for (const { severity, message } of found) console.error(`${severity}: ${message}`);
  process.exit(1);
}
