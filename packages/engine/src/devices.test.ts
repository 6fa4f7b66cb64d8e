import { describe, expect, it } from 'vitest';
import { chooseDevice, type Device, shortName } from './devices.js';

const device = (type: string, index: number): Device => ({
  name: `/job:localhost/replica:0/task:0/device:${type}:${index}`,
  type,
  memoryBytes: 2 ** 30,
});
const CPU = device('CPU', 0);
const MACHINE = [CPU, device('GPU', 0), device('GPU', 1), device('GPU', 10)];

describe('shortName', () => {
  it('is what users write', () => {
    expect(MACHINE.map(shortName)).toEqual(['cpu', 'gpu:0', 'gpu:1', 'gpu:10']);
    expect(shortName(device('CPU', 1))).toBe('cpu:1');
    expect(shortName(device('XLA_GPU', 0))).toBe('xla_gpu:0');
  });
});

describe('chooseDevice', () => {
  const chosen = (devices: Device[], wanted?: string) => shortName(chooseDevice(devices, wanted).device);

  it('prefers the first GPU, and says why', () => {
    expect(chooseDevice(MACHINE)).toEqual({ device: MACHINE[1], why: 'first of 3 GPU(s)' });
    expect(chooseDevice([CPU])).toEqual({ device: CPU, why: 'libtensorflow lists no GPU' });
  });

  it.each([
    ['cpu', 'cpu'],
    ['CPU', 'cpu'],
    ['cpu:0', 'cpu'],
    ['gpu', 'gpu:0'],
    ['gpu:0', 'gpu:0'],
    ['GPU:1', 'gpu:1'],
    ['gpu:10', 'gpu:10'],
  ])("takes '%s' for %s", (wanted, name) => {
    expect(chosen(MACHINE, wanted)).toBe(name);
    expect(chooseDevice(MACHINE, wanted).why).toBe(`asked for as '${wanted}'`);
  });

  it('does not care for the order of the list', () => {
    expect(chosen([...MACHINE].reverse(), 'gpu:1')).toBe('gpu:1');
    expect(chosen([...MACHINE].reverse(), 'gpu')).toBe('gpu:0');
  });

  it('names what there is when the one asked for is missing', () => {
    expect(() => chooseDevice(MACHINE, 'gpu:2')).toThrow(
      /no device 'gpu:2'; libtensorflow lists: cpu, gpu:0, gpu:1, gpu:10/,
    );
    expect(() => chooseDevice([CPU], 'gpu')).toThrow(/lists: cpu\. A GPU needs the CUDA build .*codiff doctor/);
    expect(() => chooseDevice([CPU], 'cpu:3')).toThrow(/no device 'cpu:3'; libtensorflow lists: cpu\.$/);
    expect(() => chooseDevice([], undefined)).toThrow(/no device 'cpu'; libtensorflow lists: none/);
  });

  it.each(['tpu', 'gpu1', 'gpu:', 'gpu:-1', 'gpu:one', '', 'cuda:0'])("refuses '%s'", (wanted) => {
    expect(() => chooseDevice(MACHINE, wanted)).toThrow(/is neither 'cpu', 'gpu' nor 'gpu:<number>'/);
  });
});
