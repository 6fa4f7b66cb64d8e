import type { StatusLine } from '../demo/status-line.js';

/** Without a terminal a line is written this often. */
const TELL_EVERY_MS = 60_000;

/** Progress of everything that a run still has to do, in units of one step of the text model for one image. */
export class WorkLeft {
  private done = 0;
  private readonly began: number;
  private toldAt: number;

  /** @param total units @param now clock in ms */
  constructor(
    private readonly total: number,
    private readonly line: StatusLine,
    private readonly isTTY: boolean,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.began = now();
    this.toldAt = this.began;
  }

  /** Count work, and tell. @param what goes on */
  did(units: number, what: string): void {
    this.done += units;
    const text = `${what}, ${this.words()}`;
    if (this.isTTY) this.line.show(text);
    else if (this.now() - this.toldAt >= TELL_EVERY_MS) {
      this.toldAt = this.now();
      this.line.done(text);
    }
  }

  /** How far it is, and how long it takes. */
  words(): string {
    const share = this.total === 0 ? 1 : Math.min(1, this.done / this.total);
    const percent = `${Math.floor(100 * share)} %`;
    if (this.done === 0) return percent;
    const left = ((this.now() - this.began) * (1 - share)) / share / 1000;
    return `${percent}, ${timeWords(left)} left`;
  }
}

/** A duration: `45 s`, `3 min`, `1 h 05 min`. */
export function timeWords(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
