import { forkModule } from '../fork-module.js';
import type { DeviceSpeed } from './device-speed.js';
import { deviceName } from './measure-speed.js';
import { readSpeed, writeSpeed } from './speed-cache.js';
import type { SpeedAnswer, SpeedOrder } from './speed-child.js';

/** A device, how it is used, and where to tell that it is measured. */
export interface SpeedRequest extends Omit<SpeedOrder, 'branches'> {
  /** As the engine calls it. */
  readonly found: string;
  /** Measure even if that was done before. */
  readonly again: boolean;
  readonly note: (line: string) => void;
}

/** The device's speed by its branches, each looked up once. @returns rejects where it cannot be measured */
export function speedsOf(request: SpeedRequest): (branches: number) => Promise<DeviceSpeed> {
  const speeds = new Map<number, Promise<DeviceSpeed>>();
  return (branches) => {
    const speed = speeds.get(branches) ?? speedOf(request, branches);
    speeds.set(branches, speed);
    return speed;
  };
}

/** From the cache, unless there is none or it is to be measured. */
async function speedOf({ found, again, note, ...how }: SpeedRequest, branches: number): Promise<DeviceSpeed> {
  const order: SpeedOrder = { ...how, branches };
  const device = deviceName(found);
  const known = again ? null : readSpeed({ ...order, device });
  if (known !== null) return known;
  const side = order.branches > 1 ? `, ${order.branches} branches side by side,` : '';
  note(`measuring ${device}${side} in ${order.precision} for some ten seconds ...`);
  const speed = await measured(order);
  writeSpeed(speed);
  return speed;
}

/** In a process of its own: one has threads for one number of branches. */
function measured(order: SpeedOrder): Promise<DeviceSpeed> {
  const child = forkModule('./speed-child', import.meta.url);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`plan: the measurement ended with code ${code} and no result`)));
    child.once('message', (answer: SpeedAnswer) => {
      if ('speed' in answer) resolve(answer.speed);
      else reject(new Error(`plan: the speed could not be measured: ${answer.error}`));
    });
    child.send(order);
  });
}
