/** Input of an attacker: a clear error or a document, in bounded time. */
import { describe, expect, test } from 'vitest';
import { readGuestConfiguration } from '../../src/import/read.ts';
import { VdpaQemuError } from '../../src/model/error.ts';

const domain = (inner: string): string => `<domain type='kvm'><name>a</name>${inner}</domain>`;
const many = (count: number, text: string): string => text.repeat(count);
const nics = (count: number): string =>
  Array.from({ length: count }, (_, n) => `-netdev vhost-vdpa,id=n${n} -device virtio-net-pci,netdev=n${n}\n`).join('');

/** [what, text, what the error says; undefined: it can be read] */
const inputs: readonly (readonly [string, string, RegExp | undefined])[] = [
  ['1 MB of nested elements', many(140_000, '<a>') + many(140_000, '</a>'), /nested deeper than 64/],
  ['deep elements', many(65, '<a>') + many(65, '</a>'), /nested deeper than 64/],
  ['many elements', `<domain>${many(50_000, '<a/>')}</domain>`, /more than 20000 elements/],
  ['a tag that is half of the text', `<domain ${many(9000, "a='bcdef' ")}/>`, /a tag of more than/],
  ['too large', `<domain>${many(1 << 20, ' ')}</domain>`, /larger than/],
  [
    'billion laughs',
    `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><domain>&b;</domain>`,
    /entities are not accepted/,
  ],
  ['an external entity', `<!DOCTYPE l SYSTEM "file:///etc/passwd"><domain/>`, /line 1: document types and entities/],
  ['an entity in the middle', domain('<!ENTITY a SYSTEM "x">'), /entities are not accepted/],
  ['an entity of nobody', domain('<title>&nobody;</title>'), /line 1: &nobody; is no entity of XML/],
  ...['&#0;', '&#xD800;', '&#xdfff;', '&#x110000;', '&#27;', '&#xFFFE;', '&#11111111111111111111;'].map(
    (reference): [string, string, RegExp] => [
      `the reference ${reference}`,
      domain(`<title>\n${reference}</title>`),
      /line 2: &#\w+; is a character that XML does not allow/,
    ],
  ),
  ...['&', 'a & b', '&amp', '&;', '&#;', '&#x;', '&#xg;', '&AMP;'].map((text): [string, string, RegExp] => [
    `an ampersand: ${text}`,
    domain(`<title>${text}</title>`),
    /line 1: .* is no entity of XML/,
  ]),
  ['an ampersand in an attribute', `<domain a='&'/>`, /a bare & is no entity/],
  ['a reference in an attribute', `<domain a="&#0;"/>`, /does not allow/],
  [']]> in a text', domain('<title>a]]>b</title>'), /line 1: \]\]> outside of CDATA/],
  [']]> behind the root', '<domain/>]]>', /outside of CDATA/],
  [
    'what only looks wrong',
    domain(
      `<!-- & ]] &#0; --><title a="]]>">&#9;&#x1F600;&#65533;&lt;&gt;&amp;&quot;&apos;<![CDATA[& &#0; &x;]]></title><?pi & ]] ?>`,
    ),
    undefined,
  ],
  ['a million ampersands', domain(`<title>${many(200_000, '&amp;')}</title>`), undefined],
  ['a comment without end', '<domain><!-- ', /never closed/],
  ['CDATA without end', '<domain><![CDATA[ ', /never closed/],
  ['a tag without end', "<domain a='", /never closed/],
  ['an attribute without end', "<domain a='b", /never closed/],
  ['a wrong end tag', '<domain><a></domain>', /no well-formed XML/],
  ['two roots', '<domain/><domain/>', /no well-formed XML/],
  ['an attribute twice', "<domain a='1' a='2'/>", /no well-formed XML/],
  ['no element', '<!-- nothing -->', /no (?:well-formed XML|XML element)|holds no/],
  ['a control character', domain('<title>\u0001</title>'), /does not allow/],
  ['a lone surrogate in XML', domain('<title>\ud800</title>'), /does not allow/],
  ['another root', '<network/>', /root element is <network>/],
  [
    'a domain of another namespace',
    "<domain xmlns='urn:x'/>",
    /root element is <domain> of the namespace "urn:x", not <domain>/,
  ],
  [
    'prototype keys in XML',
    domain("<__proto__/><constructor a='1'/><devices><__proto__/><toString/></devices>"),
    undefined,
  ],
  ['a quote that never closes', "qemu-system-x86_64 -name 'abc", /line 1, column 26: a ' that is never closed/],
  ['a double quote that never closes', 'qemu-system-x86_64\n-name "abc', /line 2, column 7: a " that is never closed/],
  ['a brace that never closes', '-device {"a":"}', /a \{ that is never closed/],
  ['a variable', 'qemu-system-x86_64 -name $NAME', undefined],
  ['a command', 'qemu-system-x86_64 -name "`id`"', undefined],
  ['a redirection', 'qemu-system-x86_64 -nodefaults > /dev/null', undefined],
  ['500,000 variables', `-m ${many(500_000, '$a')}`, undefined],
  ['100,000 variables that are words', `-S ${many(99_000, '$a ')}`, undefined],
  ['nested commands', `-m ${many(100_000, '$(')}${many(100_000, ')')}`, undefined],
  ['nested commands without an end', `-m ${many(100_000, '$(')}`, /whose \) is missing/],
  ['500,000 redirections', `-S ${many(500_000, '>a')}`, undefined],
  ['100,000 starts in a log', many(60_000, '2026-01-02 10:00:00.123+0000: starting up libvirt\n'), undefined],
  ['a glob', 'qemu-system-x86_64 -name a[bc]', /column 27: \[ outside of quotes/],
  ['braces', 'qemu-system-x86_64 -name a{b,c}', /column 27: \{ outside of quotes/],
  ['a home directory', 'qemu-system-x86_64 -qmp ~/x', undefined],
  ['a ~ within a word', 'qemu-system-x86_64 -name a~b', undefined],
  ['JSON with lists', `qemu-system-x86_64 -device {"driver":"a","b":["{",1]} -name '[~{'`, undefined],
  ['any text with a NUL', 'a\0b', /is no QEMU command line/],
  ['a spec with a NUL at its end', 'name: a\nmachine: q35\nmemory: 1GiB\n\0', /is no QEMU command line/],
  ['an empty list', '[]', /is no QEMU command line/],
  ['a list of words', '["a", "b"]', /is no QEMU command line/],
  ['only the name of QEMU', '/usr/bin/qemu-system-x86_64\0', undefined],
  ['1,000,000 commas', `-device ${many(1_000_000, ',')}`, undefined],
  ['1,000,000 pairs of commas', `-device a${many(1_000_000, ',,')}`, undefined],
  ['1,000,000 properties', `-device a${many(1_000_000, ',b')}`, undefined],
  ['1,000,000 words', many(1_000_000, '-S '), /more than 100000 words/],
  ['1,000,000 NULs', many(1_000_000, '\0'), /more than 100000 words/],
  ['deep JSON', `-device {"a":${many(100_000, '{"a":')}1${many(100_000, '}')}}`, undefined],
  ['deep JSON arrays', many(500_000, '['), /begins with \[ and is no JSON array/],
  ['an array of something else', '[1]', /not an array of strings/],
  [
    'prototype keys',
    `-device '{"__proto__":{"a":1},"constructor":1,"driver":"x"}' -machine __proto__=1,constructor=2`,
    undefined,
  ],
  ['a name that marks unknowns', '-device a,unknown=1', undefined],
  ['a lone surrogate on a command line', '-name \ud800 -uuid \udfff', undefined],
  ['escape sequences', `-name '\u001b[31mred' -device '\u001b[2J',bus='\u001b'`, undefined],
  ['a 2^53+1', `-device '{"driver":"virtio-net-pci","rx_queue_size":9007199254740993}'`, undefined],
  ['JSON that is no document', '{"kind": "VmPlan"}', /is no VmPlan/],
  ['JSON that is no GuestConfiguration', '{"kind": "GuestConfiguration"}', /is no GuestConfiguration/],
  ['JSON that is broken', '{"kind": "VmPlan"', /is not JSON/],
  ['1,000 NICs', nics(1000), undefined],
  ['1,025 NICs', nics(1025), /^input: more than 1024 devices$/],
  ['20,000 NICs', nics(20_000), /^input: more than 4096 options$/],
  [
    '125,000 properties',
    many(250, `-device a${Array.from({ length: 500 }, (_, n) => `,p${n}=1`).join('')} `),
    /^input: more than 40000 properties$/,
  ],
  ['100,000 stray words', `qemu-system-x86_64 ${many(99_000, 'a ')}`, undefined],
  ['100,000 stray objects', `qemu-system-x86_64 ${many(99_000, '{} ')}`, undefined],
  ['1 MB of empty quotes', `-name ${many(500_000, '""')}`, undefined],
  ['4,097 options', many(4097, '-S '), /^input: more than 4096 options$/],
  ['1,025 interfaces in XML', domain(`<devices>${many(1025, '<interface/>')}</devices>`), /more than 1024 devices/],
  [
    '4,097 options in XML',
    `<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>${many(4097, "<q:arg value='-S'/>")}</q:commandline></domain>`,
    /^input: more than 4096 options$/,
  ],
  ['5 MB', many(5 << 20, ' '), /larger than/],
];

test('a GuestConfiguration of more devices than a guest has', () => {
  const { configuration } = readGuestConfiguration(nics(1), { as: 'qemu-argv' });
  const [net] = configuration!.guest.interfaces;
  const of = (count: number): string => {
    const interfaces = Array.from({ length: count }, () => net);
    return JSON.stringify({ ...configuration, guest: { ...configuration!.guest, interfaces } });
  };
  expect(readGuestConfiguration(of(1024)).configuration?.guest.interfaces).toHaveLength(1024);
  expect(() => readGuestConfiguration(of(1025), { file: 'vm.json' })).toThrow('vm.json: more than 1024 devices');
});

describe('hostile input', () => {
  test.each(inputs)('%s', (_, text, message) => {
    const start = process.cpuUsage();
    let said: unknown;
    try {
      const { configuration, findings } = readGuestConfiguration(text, { file: 'input' });
      said = undefined;
      expect(
        configuration?.guest.interfaces.every(
          (net) => typeof net.rxQueueSize === 'object' || net.rxQueueSize < 2 ** 53,
        ),
      ).not.toBe(false);
      for (const finding of findings) expect(finding.message.length).toBeLessThan(1000);
    } catch (thrown) {
      said = thrown;
    }
    // of this process: others may use the machine as well
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(1000);
    if (message === undefined) expect(said).toBeUndefined();
    else {
      expect(said).toBeInstanceOf(VdpaQemuError);
      expect((said as VdpaQemuError).code).toBe('bad-input');
      expect((said as VdpaQemuError).message).toMatch(message);
    }
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});
