import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';

/**
 * What a process says of itself at the beginning of its part of a log: the text `run/session`.
 * @param facts more of them, e.g. seed and device
 */
export function describeSession(facts: Readonly<Record<string, string | undefined>> = {}): string {
  const model = cpus()[0]?.model.trim();
  const all: Record<string, string | undefined> = {
    ...facts,
    processor: model,
    cores: String(availableParallelism()),
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${platform()} ${release()}`,
    node: process.version,
  };
  return JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}
