/** What every command has: words that are not understood, help, colour, standard streams. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { version } from '../../src/version.ts';
import { capturedFile } from '../report-builder.ts';

const vm = 'examples/quickstart/vm.yaml';
const commands = [
  'probe',
  'assess',
  'gen',
  'validate',
  'guest-abi',
  'baseline',
  'check-migration',
  'launch',
  'verify',
  'completion',
];

// yargs speaks the language of the environment
beforeAll(() => void vi.stubEnv('LC_ALL', 'C'));
afterAll(() => void vi.unstubAllEnvs());

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...argv: string[]): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text), color: false });
  return { code, out, err };
}

function bin(argv: readonly string[], input = ''): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/bin.js', ...argv], { encoding: 'utf8', input });
  return { code: status ?? -1, out: stdout, err: stderr };
}

describe('a command line that is not understood', () => {
  const helped = (message: string): Run => ({
    code: 2,
    out: '',
    err: `vdpa-qemu: ${message} (see vdpa-qemu --help)\n`,
  });

  test.each<[argv: string[], message: string]>([
    [[], 'say what to do'],
    [['--json'], 'say what to do'],
    [['frobnicate'], 'Unknown argument: frobnicate'],
    [['gen', '-', '--host', '-'], '- is standard input, which can be read once'],
    [['gen', '-', '--host=-', '--output', '-'], '- is standard input, which can be read once'],
    [['guest-abi', vm, '--pid', '1'], '--pid belongs to a running VM, not to a file'],
    [['check-migration', vm, '--connect', 'x'], '--connect belongs to a running VM, not to a file'],
    [['guest-abi', '--qmp', 's', '--on', 'x'], '--as, --host and --on belong to a file, not to a running VM'],
    [['guest-abi', vm, '--digest', '--json'], '--digest is one line: --json does not go with it'],
    [['guest-abi', vm, '--host', capturedFile, '--on', 'x'], '--on x: no host report is of that host'],
    [['verify', '--qmp', 's', '--host', capturedFile, '--on', 'x'], '--on x: no host report is of that host (l1)'],
    [['verify', '--qmp', 'localhost:99999'], '--qmp: a port is 1 to 65535, not 99999'],
    [['assess', '--colour'], 'Unknown argument: colour'],
    [['assess', 'a', 'b'], 'Unknown argument: b'],
    [['gen', vm, '--host', capturedFile, '--frob=1'], 'Unknown argument: frob'],
    [['gen', vm, '--host'], 'Not enough arguments following: host'],
    [['gen', '--set'], 'Not enough arguments following: set'],
    [
      ['gen', vm, '--format', 'xml'],
      'Invalid values: Argument: format, Given: "xml", Choices: "qemu", "libvirt", "plan"',
    ],
    [['gen', vm, '--format', 'qemu', '--format', 'plan'], '--format can be given once'],
    [['gen', vm, '--on', 'a', '--on', 'b'], '--on can be given once'],
    [['gen', '--template', 'net', '--template', 'block'], '--template can be given once'],
    [['assess', '--output', 'a', '--output', 'b'], '--output can be given once'],
    [['launch'], 'Not enough non-option arguments: got 0, need at least 1'],
  ])('%j', async (argv, message) => {
    expect(await run(...argv)).toEqual(helped(message));
  });

  test('a word that would steer a terminal is shown', async () => {
    expect(await run('\u001b[2J\n\u009b')).toEqual(helped('Unknown argument: \\x1b[2J \\x9b'));
  });

  test.each(['__proto__', 'constructor', 'hasOwnProperty', '../gen', 'a,b', "it's", '"'])(
    'the command %j is none',
    async (word) => {
      const { code, out, err } = await run(word);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^vdpa-qemu: Unknown argument: .*\(see vdpa-qemu --help\)\n$/);
    },
  );
});

describe('help', () => {
  test('--help lists every command and the exit codes', async () => {
    const { code, out, err } = await run('--help');
    expect([code, err]).toEqual([0, '']);
    expect(out.match(/^ {2}vdpa-qemu ([\w-]+)/gm)?.map((line) => line.trim().split(' ')[1])).toEqual(commands);
    expect(out.trimEnd()).toMatch(/Exit code: 0 nothing blocks; 1 something found blocks; 2 could not run\.$/);
    for (const option of ['json', 'output', 'color', 'quiet', 'verbose', 'help', 'version']) {
      expect(out).toMatch(new RegExp(`^ {2}--${option} `, 'm'));
    }
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test.each<[command: string, words: string[]]>([
    ['probe', ['devices', '--open', '--qemu', '--no-open']],
    ['assess', ['report', '- is stdin', 'host.json --json']],
    ['guest-abi', ['file', '--qmp', '--pid', '--host', '--on', '--as', '--digest', '"libvirt"']],
    ['gen', ['spec', '--host', '--on', '--format', '"qemu", "libvirt", "plan"', '--template', '--set', 'KEY=VALUE']],
    ['launch', ['spec', '--host', '--on', '--timeout', '--detach', '--require']],
    ['verify', ['--qmp', '--domain', '--connect', '--spec', '--host', '--on', '--wait', '--pid', '--require']],
  ])('%s --help has its options, and runs nothing', async (command, words) => {
    const { code, out, err } = await run(command, '--help');
    expect([code, err]).toEqual([0, '']);
    expect(out.startsWith(`vdpa-qemu ${command}`)).toBe(true);
    for (const word of words) expect(out).toContain(word);
  });

  test.each(commands)('the examples of %s --help are whole lines', async (command) => {
    const { out } = await run(command, '--help');
    const [, examples = ''] = out.split('Examples:\n');
    for (const line of examples.trimEnd().split('\n')) expect(line).toMatch(/^( {2}vdpa-qemu |$)/);
  });

  test('--version', async () => {
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test('--version of what is shipped is that of package.json', () => {
    const { version: shipped } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(bin(['--version'])).toEqual({ code: 0, out: `${shipped}\n`, err: '' });
  });

  test('completion prints a script for the shell', async () => {
    const { code, out, err } = await run('completion');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('###-begin-vdpa-qemu-completions-###');
  });
});

describe('failure', () => {
  test('a fault of ours is told as one, in one line', async () => {
    let err = '';
    const broken = (): never => {
      throw new TypeError('out is gone\n    at somewhere');
    };
    const code = await main(['assess', capturedFile], { out: broken, err: (text) => (err += text), color: false });
    expect([code, err]).toEqual([2, 'vdpa-qemu: internal error: out is gone; please report it\n']);
  });

  test('what is thrown need be no Error', async () => {
    let err = '';
    const broken = (): never => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw '\u001b[31mred';
    };
    const code = await main(['assess', capturedFile], { out: broken, err: (text) => (err += text), color: false });
    expect([code, err]).toEqual([2, 'vdpa-qemu: internal error: \\x1b[31mred; please report it\n']);
  });

  test('the details of a failure stand below it, each on its line', async () => {
    const { VdpaQemuError } = await import('../../src/model/error.ts');
    let err = '';
    const failing = (): never => {
      throw new VdpaQemuError('program', 'QEMU ended', { details: ['first', 'se\u0007cond'] });
    };
    const code = await main(['assess', capturedFile], { out: failing, err: (text) => (err += text), color: false });
    expect([code, err]).toEqual([2, 'vdpa-qemu: QEMU ended\n  first\n  se\\x07cond\n']);
  });
});

describe('standard streams', () => {
  const report = readFileSync(capturedFile, 'utf8');
  const spec = readFileSync(vm, 'utf8');

  test('a report from standard input', () => {
    expect(bin(['assess', '-'], report)).toEqual(bin(['assess', capturedFile]));
    expect(bin(['assess', '-'], report)).toMatchObject({ code: 0, err: '' });
  });

  test('a spec from standard input: findings name it so', () => {
    const { code, out, err } = bin(['gen', '-', '--host', capturedFile], spec);
    expect(code).toBe(0);
    expect(out).toBe(bin(['gen', vm, '--host', capturedFile]).out);
    expect(err).toMatch(/^standard input:6:9: warning: QEMU needs to lock /);
  });

  test('the host report from standard input', () => {
    expect(bin(['gen', vm, '--host', '-', '--quiet'], report)).toEqual(
      bin(['gen', vm, '--host', capturedFile, '--quiet']),
    );
  });

  test.each([
    [['assess', '-'], '', 'vdpa-qemu: standard input: is empty: no host report in it\n'],
    [['assess', '-'], 'hello', 'vdpa-qemu: standard input: is no host report: it must be a mapping\n'],
    [
      ['gen', '-', '--host', capturedFile],
      '',
      'standard input:1:1: error: the document must be a mapping; got null [spec.schema]\n',
    ],
    [
      ['gen', '-', '--host', capturedFile],
      'x'.repeat(2 ** 20 + 1),
      'vdpa-qemu: standard input: larger than 1048576 bytes\n',
    ],
  ])('%j: bad input there, case %#', (argv, input, err) => {
    expect(bin(argv, input)).toEqual({ code: 2, out: '', err });
  });

  test('--output - is standard output', () => {
    expect(bin(['assess', capturedFile, '--output', '-', '--json'])).toEqual(bin(['assess', capturedFile, '--json']));
  });

  test('a file is no terminal: no colour', () => {
    expect(bin(['assess', capturedFile]).out).not.toContain('\u001b');
  });

  test('a reader that went away is no failure', async () => {
    const child = spawn(process.execPath, ['dist/bin.js', 'gen', vm, '--host', '-', '--format', 'plan', '--quiet']);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    // nobody reads: the pipe is closed before there is anything in it
    child.stdout.destroy();
    await once(child.stdout, 'close');
    child.stdin.end(report);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
  });
});
