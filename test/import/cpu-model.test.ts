/** Switches of -cpu; what QEMU 7.2.22 makes of them was asked of it by qom-get. */
import { describe, expect, test } from 'vitest';
import { cpuModelOf } from '../../src/import/cpu-model.ts';

describe('all x= first, then all +x, then all -x', () => {
  test.each([
    // aes is then True, False, False, False, True
    ['qemu64,+aes,aes=off', 'qemu64,aes=on'],
    ['qemu64,aes=off,+aes,-aes', 'qemu64,aes=off'],
    ['qemu64,-aes,+aes', 'qemu64,aes=off'],
    ['qemu64,-aes,aes=on', 'qemu64,aes=off'],
    ['qemu64,aes=off,aes=yes', 'qemu64,aes=on'],
    // pclmulqdq is then False: both are one
    ['qemu64,-pclmuldq,+pclmulqdq', 'qemu64,pclmulqdq=off'],
  ])('%s', (text, want) => {
    expect(cpuModelOf(text)).toBe(want);
  });
});

describe('the same, said otherwise', () => {
  test.each([
    ['qemu64,+aes,-avx', 'qemu64,avx=off,aes'],
    ['qemu64,aes=y', 'qemu64,aes=true'],
    ['qemu64,xlevel=0x8000000A', 'qemu64,xlevel=2147483658'],
    ['qemu64,pclmuldq=on', 'qemu64,pclmulqdq=on'],
    ['qemu64,sse3=off,xd=off,i64=off', 'qemu64,pni=off,nx=off,lm=off'],
    ['qemu64,hv-apicv=on,+ffxsr', 'qemu64,hv_avic=on,fxsr_opt=on'],
    ['qemu64,+sse4.1', 'qemu64,sse4_1=on'],
    ['host,migratable=yes', 'host'],
    ['qemu64,,+aes', 'qemu64,+aes'],
  ])('%s is %s', (a, b) => {
    expect(cpuModelOf(a)).toBe(cpuModelOf(b));
  });
});

describe('not the same', () => {
  test.each([
    ['qemu64,vendor=yes', 'qemu64,vendor=on'],
    ['qemu64,model-id=0x10', 'qemu64,model-id=16'],
    ['qemu64-v1', 'qemu64'],
    // 7.2.22 finds no such model
    ['qemu64-x86_64-cpu', 'qemu64'],
  ])('%s and %s', (a, b) => {
    expect(cpuModelOf(a)).not.toBe(cpuModelOf(b));
  });
});
