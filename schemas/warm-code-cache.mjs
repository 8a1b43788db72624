// Run by the build in a process of its own: runs the usual command once and keeps what V8 has compiled for it.
import { writeFileSync } from 'node:fs';
import { codeCacheOf, loadBundle } from '../dist/code-cache.js';

const bundle = new URL('../dist/cli.cjs', import.meta.url).pathname;
const { exports, codeCache } = loadBundle(bundle);
const spec = 'examples/quickstart/vm.yaml';
const silent = { out: () => undefined, err: () => undefined, color: false };
const code = await exports.main(['gen', spec, '--host', 'examples/quickstart/host.json'], silent);
if (code !== 0) throw new Error(`gen ${spec} ended with ${code}`);
writeFileSync(codeCacheOf(bundle), codeCache());
