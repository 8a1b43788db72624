// The main job on facts that were captured from a real host: verdict, QEMU command line, libvirt XML.
// Run by `npm start`; each step is a command that can be run by itself.
import { spawnSync } from 'node:child_process';

const host = 'examples/quickstart/host.json';
const spec = 'examples/quickstart/vm.yaml';
const steps = [
  ['assess', host],
  ['gen', spec, '--host', host],
  ['gen', spec, '--host', host, '--format', 'libvirt', '--quiet'],
];

for (const step of steps) {
  console.log(`$ vdpa-qemu ${step.join(' ')}`);
  const { status } = spawnSync(process.execPath, ['dist/bin.js', ...step], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 2);
  console.log();
}
