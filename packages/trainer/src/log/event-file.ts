import { mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { imageEvent, scalarEvent, startEvent, textEvent, versionEvent } from './events.js';
import type { LogSink } from './log-sink.js';
import { tfRecord } from './tf-record.js';
import type { Message } from './wire.js';

/** How a log begins. */
export interface LogStart {
  /** The first step that will be logged; what the folder already holds from there on no longer counts. */
  readonly step: number;
  /** Seconds since 1970; default: the clock's. */
  readonly now?: () => number;
}

/**
 * A TensorBoard event file in a folder of its own name: scalars, pictures, texts. A run that goes on adds a file, as
 * TensorBoard expects.
 */
export async function openEventFile(
  folder: string,
  { step, now = () => Date.now() / 1000 }: LogStart,
): Promise<LogSink> {
  await mkdir(folder, { recursive: true });
  const seconds = String(Math.floor(now())).padStart(10, '0');
  // Two starts within a second: the process tells them apart.
  const handle = await open(join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`), 'a');
  const write = (event: Message): Promise<void> => handle.appendFile(tfRecord(event));
  await write(versionEvent(now()));
  await write(startEvent(now(), step));
  return {
    scalars: (step, values) => write(scalarEvent(now(), step, values)),
    image: (step, name, image) => write(imageEvent(now(), step, name, image)),
    text: (step, name, text) => write(textEvent(now(), step, name, text)),
    close: () => handle.close(),
  };
}
