/** One guest in other words has one digest; what is another guest has not. */
import { describe, expect, test } from 'vitest';
import { importText } from './importing.ts';

const digest = (rest: string): string | null => {
  const found = importText(`qemu-system-x86_64 -machine pc-q35-10.0 -cpu qemu64 ${rest}`).digest;
  expect(found).not.toBeNull();
  return found;
};

describe('the same', () => {
  test.each([
    ['-nodefaults -vga none', '-nodefaults'],
    ['-nodefaults -net none', '-nodefaults'],
    ['-nodefaults -nic none', '-nodefaults'],
    ['-nodefaults -parallel none -parallel none', '-nodefaults'],
    ['-boot menu=off', ''],
    ['-boot menu=no,strict=off', ''],
    ['-boot menu=on -boot menu=off', ''],
    ['-boot strict=on -boot menu=on', '-boot menu=on,strict=on'],
    ['-boot c', '-boot order=c'],
    ['-rtc driftfix=none', ''],
    ['-rtc driftfix=slew -rtc base=utc', '-rtc driftfix=slew'],
    ['-smbios type=1,product=a,serial=b', '-smbios type=1,serial=b,product=a'],
    ['-global driver=ICH9-LPC,property=disable_s3,value=1', '-global ICH9-LPC.disable_s3=1'],
    ['-global property=disable_s3,value=1,driver=ICH9-LPC', '-global ICH9-LPC.disable_s3=1'],
    // the value of the short form goes to its end
    ['-global driver=a,property=b,value=c,,d', '-global a.b=c,d'],
    ['-device virtio-balloon,addr=5', '-device virtio-balloon-pci,addr=5'],
    ['-device ahci,addr=5', '-device ich9-ahci,addr=5'],
  ])('%s and %s', (a, b) => {
    expect(digest(a)).toBe(digest(b));
  });
});

describe('not the same', () => {
  test.each([
    // without -nodefaults there is one by default
    ['-vga none', ''],
    ['-net none', ''],
    ['-nodefaults -vga none -vga std', '-nodefaults'],
    ['-nodefaults -nic none -nic user,mac=52:54:00:00:00:01', '-nodefaults'],
    ['-boot menu=off -boot menu=on', ''],
    ['-rtc driftfix=none -rtc driftfix=slew', ''],
    // each string is one of a list
    ['-smbios type=11,value=a,value=b', '-smbios type=11,value=b,value=a'],
    ['-smbios type=11,value=a,,b,value=c', '-smbios type=11,value=c,value=a,,b'],
    // one structure each, in their order
    ['-smbios type=17,part=a -smbios type=17,part=b', '-smbios type=17,part=b -smbios type=17,part=a'],
    ['-global driver=a,property=b,value=c,other=d', '-global a.b=c'],
    ['-device virtio-vga,addr=5', '-device virtio-gpu-pci,addr=5'],
    ['-device virtio-gpu-device', '-device virtio-gpu,addr=5'],
  ])('%s and %s', (a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });
});
