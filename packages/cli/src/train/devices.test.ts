import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { visibleIds } from './cards.js';
import { type Cards, devicesOf, gpusOfConfig } from './devices.js';

const four = (): Cards => ({ count: 4, none: null });
const none = (): Cards => ({ count: 0, none: 'this machine has no NVIDIA driver' });

describe('--gpus', () => {
  it.each([
    [undefined, ['cpu']],
    ['0', ['cpu']],
    ['0,', ['gpu:0']],
    ['1', ['gpu:0']],
    ['2', ['gpu:0', 'gpu:1']],
    ['2,', ['gpu:2']],
    [' 3 , ', ['gpu:3']],
    ['0,1', ['gpu:0', 'gpu:1']],
    ['0,1,2,3,', ['gpu:0', 'gpu:1', 'gpu:2', 'gpu:3']],
    ['3,1', ['gpu:3', 'gpu:1']],
    ['-1', ['gpu:0', 'gpu:1', 'gpu:2', 'gpu:3']],
  ])('%s is a process on each of %j', (given, devices) => {
    expect(devicesOf(given, undefined, four)).toEqual(devices);
  });

  it.each(['', ',', 'all', '-2', '0;1'])("'%s' is no list", (given) => {
    expect(() => devicesOf(given, undefined, four)).toThrow(UsageError);
  });

  it('refuses ids that do not exist, and says what to pass', () => {
    expect(() => devicesOf('0,7,9', undefined, four)).toThrow(
      "--gpus 0,7,9: there is no gpu:7, gpu:9; this machine has 4 GPU(s): pass '--gpus 0,1,2,3,'",
    );
    expect(() => devicesOf('0,1', undefined, none)).toThrow(
      "--gpus 0,1: there is no gpu:0, gpu:1: this machine has no NVIDIA driver ('codiff doctor' says more); leave --gpus out to train on the CPU, or pass --workers 2",
    );
    expect(() => devicesOf('-1', undefined, none)).toThrow(/no NVIDIA driver.*leave --gpus out/);
  });

  it('takes ids on trust where cards cannot be counted, but not all of them', () => {
    const unknown = (): Cards => ({ count: null, none: null });
    expect(devicesOf('0,1', undefined, unknown)).toEqual(['gpu:0', 'gpu:1']);
    expect(() => devicesOf('-1', undefined, unknown)).toThrow(/name their ids/);
  });

  it('refuses one device for two processes', () => {
    expect(() => devicesOf('0,1,0', undefined, four)).toThrow(/names device 0 twice/);
  });
});

describe('--workers', () => {
  it('is a number of processes on the CPU', () => {
    expect(devicesOf(undefined, 3, none)).toEqual(['cpu', 'cpu', 'cpu']);
    expect(devicesOf(undefined, 1, none)).toEqual(['cpu']);
    expect(devicesOf('0,', 1, four)).toEqual(['gpu:0']);
  });

  it('is not for GPUs', () => {
    expect(() => devicesOf('0,1', 2, four)).toThrow(/each id is a process/);
  });
});

it.each([
  [undefined, null],
  ['', []],
  ['2,3', ['2', '3']],
  ['0,-1,1', ['0']],
  ['GPU-8932f937', ['GPU-8932f937']],
])('CUDA_VISIBLE_DEVICES=%s leaves %j', (given, ids) => {
  expect(visibleIds({ CUDA_VISIBLE_DEVICES: given })).toEqual(ids);
});

describe('lightning.trainer.gpus', () => {
  it.each([
    ['0,1', ['gpu:0', 'gpu:1']],
    ['0,', ['gpu:0']],
    [2, ['gpu:0', 'gpu:1']],
    [[2], ['gpu:2']],
    [
      [3, 1],
      ['gpu:3', 'gpu:1'],
    ],
    [-1, ['gpu:0', 'gpu:1', 'gpu:2', 'gpu:3']],
    [0, ['cpu']],
    [null, ['cpu']],
    [undefined, ['cpu']],
  ])('%j is a process on each of %j', (value, devices) => {
    expect(devicesOf(gpusOfConfig(value), undefined, four)).toEqual(devices);
  });

  it('is named where it asks for what is not there, with the flag that overrides it', () => {
    const ask = (workers?: number) => () => devicesOf('0,1,', workers, none, 'lightning.trainer.gpus');
    expect(ask()).toThrow(
      "lightning.trainer.gpus 0,1,: there is no gpu:0, gpu:1: this machine has no NVIDIA driver ('codiff doctor' says more); pass '--gpus 0' to train on the CPU, '--gpus 0 --workers 2' in as many processes",
    );
    expect(ask(2)).toThrow("pass '--gpus 0' too");
  });

  it.each([[[]], [['a']], [true], [{}]])('%j is nothing of the kind', (value) => {
    expect(() => gpusOfConfig(value)).toThrow(/lightning\.trainer\.gpus is .*wanted ids/);
  });
});
