import type { ValidatedDocument } from '../document.ts';

/** The least that libvirt takes for a domain, on one line, so that the lines of what is put into it stay the same. */
const before =
  "<domain type='qemu'><name>a</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os><devices>";
const after = '</devices></domain>';

/**
 * A libvirt XML as a domain: an <interface> alone is put into an empty one.
 * @returns undefined: the document is no libvirt XML
 */
export function asDomain({ kind, text }: ValidatedDocument): string | undefined {
  if (kind === 'libvirt') return text;
  if (kind !== 'libvirt-interface') return undefined;
  return `${before}${text.replace(/^\s*<\?xml[^>]*\?>/, (declaration) => declaration.replaceAll(/[^\n]/g, ' '))}${after}`;
}
