import { useEngine } from '@codiff/engine';
import type { DeviceSpeed } from './device-speed.js';
import { measureSpeed } from './measure-speed.js';

/** What is to be measured. */
export interface SpeedOrder extends Pick<DeviceSpeed, 'threads' | 'branches' | 'precision'> {
  /** As `useEngine` takes it. */
  readonly device?: string | undefined;
}

/** The speed, or why there is none. */
export type SpeedAnswer = { readonly speed: DeviceSpeed } | { readonly error: string };

process.once('message', async ({ device, threads, branches, precision }: SpeedOrder) => {
  let answer: SpeedAnswer;
  try {
    const info = await useEngine({ ...(device === undefined ? {} : { device }), threads, branches, winograd: false });
    answer = { speed: await measureSpeed(info, precision) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send!(answer, () => process.disconnect());
});
