import type { Pace } from './train-run.js';

/** Measures how fast batches go by, and how long they are waited for. */
export class Stopwatch {
  private began = performance.now();
  private waited = 0;
  private samples = 0;
  private batches = 0;

  /** A batch came after so many milliseconds of waiting. */
  got(samples: number, waitedMs: number): void {
    this.samples += samples;
    this.waited += waitedMs;
    this.batches++;
  }

  /** Since the start, or the last call of {@link restart}. */
  pace(): Pace {
    const ms = Math.max(performance.now() - this.began, 1e-3);
    return {
      imagesPerSecond: (1000 * this.samples) / ms,
      waitShare: this.waited / ms,
      batchesPerSecond: (1000 * this.batches) / ms,
    };
  }

  restart(): void {
    this.began = performance.now();
    [this.waited, this.samples, this.batches] = [0, 0, 0];
  }

  /** Leave out time that something else took. @param ms how long that was */
  leaveOut(ms: number): void {
    this.began += ms;
  }
}
