import { EngineError } from './errors.js';

/** A device as TensorFlow lists it. */
export interface Device {
  /** Full name, e.g. `/job:localhost/replica:0/task:0/device:GPU:0`. */
  readonly name: string;
  /** `CPU`, `GPU` and possibly others. */
  readonly type: string;
  readonly memoryBytes: number;
}

/** What was chosen and the reason, for people to read. */
export interface DeviceChoice {
  readonly device: Device;
  readonly why: string;
}

/** The short form users write: `cpu`, `gpu:1`. */
export function shortName(device: Device): string {
  const index = /:(\d+)$/.exec(device.name)?.[1] ?? '0';
  const type = device.type.toLowerCase();
  return type === 'cpu' && index === '0' ? 'cpu' : `${type}:${index}`;
}

/**
 * Choose a device from TensorFlow's list.
 * @param wanted `cpu`, `gpu` (the first one), `gpu:<n>`, or undefined: the first GPU if there is any, else the CPU
 * @throws EngineError if there is no such device, naming those there are
 */
export function chooseDevice(devices: readonly Device[], wanted?: string): DeviceChoice {
  const cpu = devices.find((device) => device.type === 'CPU');
  const gpus = devices.filter((device) => device.type === 'GPU');
  if (wanted === undefined) {
    if (gpus[0]) return { device: gpus[0], why: `first of ${gpus.length} GPU(s)` };
    if (cpu) return { device: cpu, why: 'libtensorflow lists no GPU' };
  } else {
    const match = /^(cpu|gpu)(?::(\d+))?$/i.exec(wanted);
    if (match === null)
      throw new EngineError(`useEngine: device '${wanted}' is neither 'cpu', 'gpu' nor 'gpu:<number>'`, {
        code: 'usage',
      });
    const pool = match[1]!.toLowerCase() === 'gpu' ? gpus : devices.filter((device) => device.type === 'CPU');
    const device = pool.find((candidate) => candidate.name.endsWith(`:${match[2] ?? 0}`));
    if (device) return { device, why: `asked for as '${wanted}'` };
  }
  const known = devices.map(shortName).join(', ') || 'none';
  const hint = wanted?.toLowerCase().startsWith('gpu')
    ? " A GPU needs the CUDA build of libtensorflow and its libraries; 'codiff doctor' says which are missing."
    : '';
  throw new EngineError(`useEngine: no device '${wanted ?? 'cpu'}'; libtensorflow lists: ${known}.${hint}`, {
    code: 'usage',
  });
}
