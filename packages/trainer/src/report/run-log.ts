import { z } from 'zod';

/** A value at a step: the step, and the value; NaN where it was not finite. */
export type LogPoint = readonly [step: number, value: number];

/** A process that took part in a run. */
export interface LogSession {
  /** The step from which it went on. */
  readonly step: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** What it said of itself: machine, device, seed. */
  readonly facts: Readonly<Record<string, string>>;
}

/** What a run's log holds. */
export interface RunLog {
  /** By name, in the order of their first appearance; steps ascend. */
  readonly scalars: ReadonlyMap<string, readonly LogPoint[]>;
  readonly sessions: readonly LogSession[];
  /** Pictures that were logged, by name. */
  readonly pictures: ReadonlyMap<string, readonly number[]>;
  /** Time of the first and of the last line. */
  readonly span: readonly [number, number] | null;
  /** Seconds between lines of one process, added up: what waited between processes is not in it. */
  readonly seconds: number;
  readonly lastStep: number;
  /** Lines that are no log lines. */
  readonly damaged: number;
}

/** Name of the text by which a process begins its part of a log. */
export const SESSION = 'run/session';

const Line = z.union([
  z.object({ step: z.number(), time: z.number(), scalars: z.record(z.string(), z.union([z.number(), z.string()])) }),
  z.object({ step: z.number(), time: z.number(), image: z.string() }),
  z.object({ step: z.number(), time: z.number(), text: z.string(), value: z.string() }),
]);
const Facts = z.record(z.string(), z.string());

/** Longest silence within one process, in seconds, where the log does not say when processes began. */
const SILENCE = 3600;

/**
 * Read a log as far as it can be read: a line that was cut off, or is damaged, is left out and counted. Where a run was taken up
 * at an earlier step, what it logs then replaces what was logged of those steps.
 * @param text the content of `log.jsonl`
 */
export function parseRunLog(text: string): RunLog {
  const scalars = new Map<string, LogPoint[]>();
  const pictures = new Map<string, number[]>();
  const sessions: LogSession[] = [];
  let [first, last, seconds, lastStep, damaged] = [Number.NaN, Number.NaN, 0, 0, 0];
  for (const json of text.split('\n')) {
    if (json.trim() === '') continue;
    const line = readLine(json);
    if (line === null) {
      damaged++;
      continue;
    }
    const { step, time } = line;
    const begins = 'text' in line && line.text === SESSION;
    if (Number.isNaN(first)) first = time;
    else if (!begins && time > last && time - last < SILENCE) seconds += time - last;
    last = time;
    if ('scalars' in line) {
      lastStep = step;
      for (const [name, value] of Object.entries(line.scalars)) {
        const points = scalars.get(name) ?? [];
        while ((points.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY) >= step) points.pop();
        points.push([step, Number(value)]);
        scalars.set(name, points);
      }
    } else if ('image' in line) {
      const steps = pictures.get(line.image) ?? [];
      if (!steps.includes(step)) steps.push(step);
      pictures.set(line.image, steps);
    } else if (begins) {
      sessions.push({ step, time, facts: factsOf(line.value) });
    }
  }
  const span = Number.isNaN(first) ? null : ([first, last] as const);
  return { scalars, sessions, pictures, span, seconds, lastStep, damaged };
}

function readLine(json: string): z.output<typeof Line> | null {
  try {
    return Line.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}

function factsOf(json: string): Record<string, string> {
  try {
    return Facts.safeParse(JSON.parse(json)).data ?? {};
  } catch {
    return {};
  }
}
