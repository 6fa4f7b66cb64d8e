import { cpus, loadavg } from 'node:os';

/** The machine in words. */
export function machineWords(): string {
  const all = cpus();
  return `${all[0]?.model ?? process.arch}, ${all.length} cores, Node ${process.versions.node}`;
}

/** Load average of the last minute, to a tenth. */
export const machineLoad = (): number => Math.round(10 * loadavg()[0]!) / 10;
