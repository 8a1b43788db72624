// Builds dist/: index.js (the library; its dependencies stay outside), bin.js with cli.cjs (the command line, bundled
// with yargs and yaml and with V8's code cache beside it, so that start-up reads three files and compiles little), and
// dist/types.
import { readFile, rm, writeFile, chmod, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  define: { 'globalThis.VDPA_QEMU_VERSION': JSON.stringify(version) },
};

const withTypes = !process.argv.includes('--no-types');
for (const name of await readdir(dist).catch(() => [])) {
  if (withTypes || name !== 'types') await rm(path.join(dist, name), { recursive: true });
}
await build({ ...common, entryPoints: ['src/index.ts'], outdir: 'dist', packages: 'external' });
const cli = await build({
  ...common,
  entryPoints: ['src/cli.ts'],
  outfile: 'dist/cli.cjs',
  format: 'cjs',
  minify: true,
  external: ['ffi-rs'],
  metafile: true,
  alias: { 'string-width': path.join(root, 'schemas/plain-width.mjs') },
  define: { ...common.define, 'import.meta.url': '__moduleUrl' },
  banner: { js: 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;' },
});
await build({ ...common, entryPoints: ['src/bin.ts', 'src/host/code-cache.ts'], entryNames: '[name]', outdir: 'dist' });
await chmod(path.join(dist, 'bin.js'), 0o755);
await execa('node', ['schemas/warm-code-cache.mjs'], { cwd: root, stdio: 'inherit' });
await rm(path.join(dist, 'code-cache.js'));
await writeFile(path.join(dist, 'THIRD-PARTY-LICENSES'), await notices(Object.keys(cli.metafile.inputs)));

if (withTypes) {
  await execa('tsc', ['-p', path.join(root, 'schemas/tsconfig.types.json')], {
    preferLocal: true,
    localDir: root,
    stdio: 'inherit',
  });
}

/** The licence texts of the packages that stand in the bundle. */
async function notices(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const match = /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const parts = [];
  for (const dir of [...packages].sort()) {
    const manifest = JSON.parse(await readFile(path.join(root, dir, 'package.json'), 'utf8'));
    const file = (await readdir(path.join(root, dir))).find((name) => /^licen[cs]e/i.test(name));
    const text =
      file === undefined ? `License: ${manifest.license}` : await readFile(path.join(root, dir, file), 'utf8');
    parts.push(`${manifest.name} ${manifest.version}\n\n${text.trim()}\n`);
  }
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}
