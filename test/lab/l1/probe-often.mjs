// probe-often.mjs TIMES NAME..: probes devices so often with the built library, in one process, and prints the number
// of times that any was opened. What other programs would say (QEMU, libvirt, the vdpa tool) is left out: starting
// them takes all the time, and they do not touch a doorbell.
import { probeHost } from '/project/dist/index.js';

const [times, ...devices] = process.argv.slice(2);
const nothing = async () => ({ unknown: 'no-tool', reason: 'not asked' });
const edges = { run: nothing, findQemuBinaries: async () => [] };
let opened = 0;
for (let done = 0; done < Number(times); done++) await probeHost({ devices, edges, onHeldOpen: () => opened++ });
process.stdout.write(`${opened}\n`);
