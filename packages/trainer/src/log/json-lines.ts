import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';
import type { LogStart } from './event-file.js';
import type { LogSink } from './log-sink.js';

/** One line of the log. Numbers that JSON cannot hold are the texts `NaN`, `Infinity` and `-Infinity`. */
export type LogLine = { readonly step: number; readonly time: number } & (
  | { readonly scalars: Readonly<Record<string, number | string>> }
  | { readonly image: string; readonly width: number; readonly height: number; readonly bytes: number }
  | { readonly text: string; readonly value: string }
);

/**
 * The same log as lines of JSON. A run that goes on drops the lines of steps it will take again, and a last line that was
 * cut off. Pictures are named with their size; their pixels are in the event files.
 */
export async function openJsonLines(path: string, { step, now = () => Date.now() / 1000 }: LogStart): Promise<LogSink> {
  await mkdir(dirname(path), { recursive: true });
  const kept = (await readLogLines(path)).filter((line) => line.step < step);
  const text = kept.map((line) => `${JSON.stringify(line)}\n`).join('');
  await atomicWriteText(path, text);
  const handle = await open(path, 'a');
  const write = (line: LogLine): Promise<void> => handle.appendFile(`${JSON.stringify(line)}\n`);
  return {
    scalars: (step, values) => write({ step, time: now(), scalars: mapValues(values) }),
    image: (step, image, { width, height, png }) =>
      write({ step, time: now(), image, width, height, bytes: png.length }),
    text: (step, text, value) => write({ step, time: now(), text, value }),
    close: () => handle.close(),
  };
}

/** The lines of a log; none where there is no file. A last line without an end is left out: its writer was stopped. */
export async function readLogLines(path: string): Promise<LogLine[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

const mapValues = (values: Readonly<Record<string, number>>): Record<string, number | string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
  );
