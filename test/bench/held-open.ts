/** One probe of a device made of C (test/host/fake-vhost-vdpa.c), cold, as the command line does it: prints microseconds. */
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { deviceFiles, holdOpen } from '../../src/host/device-node.ts';
import { nativeSyscalls } from '../../src/host/libc.ts';
import { clock } from '../../src/host/machine.ts';
import { isUnknown } from '../../src/model/fact.ts';
import { interrogate } from '../../src/probe/interrogate.ts';

const directory = process.argv[2] ?? '';
const node = { path: path.join(directory, `vhost-vdpa-${process.pid}`), major: 1, minor: 3 };
symlinkSync('/dev/null', node.path);
const syscalls = nativeSyscalls(path.join(directory, 'fake.so'));
const held = holdOpen(node, { syscalls, files: deviceFiles, clock }, (device) => interrogate(device));
if (isUnknown(held)) throw new Error(held.detail);
console.log(held.heldOpenMicroseconds);
