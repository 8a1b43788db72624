import type { Opinion } from '../opinion.ts';
import { libvirtSchemaOpinion } from './libvirt-schema.ts';
import { qemuOpinion } from './qemu.ts';
import { virshOpinion } from './virsh.ts';

/** The programs that are asked with --with-programs. */
export const opinions: readonly Opinion[] = [libvirtSchemaOpinion(), virshOpinion, qemuOpinion()];
