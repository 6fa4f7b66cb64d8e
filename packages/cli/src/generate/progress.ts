/** A terminal, as far as a progress bar needs one. */
export interface ProgressScreen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const BAR_WIDTH = 20;
/** Back to the start of the line, and clear it. */
const CLEAR = '\r\x1b[2K';

/**
 * How far a run is: `step 12/50 [#####...............] 1.9 steps/s, 0:20 left`. On anything but a terminal it shows nothing.
 */
export class Progress {
  private done = 0;
  private began: number | undefined;
  private latest = 0;
  private readonly shows: boolean;

  /**
   * @param total steps of the whole run @param screen where to draw @param quiet draw nothing
   * @param now clock in milliseconds
   */
  constructor(
    private readonly total: number,
    private readonly screen: ProgressScreen,
    quiet = false,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.shows = screen.isTTY === true && !quiet;
  }

  /** Steps a second after the first, which also pays for tracing. 0 if that is not known yet. */
  get rate(): number {
    if (this.began === undefined || this.done < 2) return 0;
    return (this.done - 1) / ((this.latest - this.began) / 1000);
  }

  /** One more step is done. */
  step(): void {
    this.done++;
    this.latest = this.now();
    this.began ??= this.latest;
    if (this.shows) this.screen.write(`${CLEAR}${this.line().slice(0, (this.screen.columns ?? 80) - 1)}`);
  }

  /** Show that something other than a step is under way. */
  status(text: string): void {
    if (this.shows) this.screen.write(`${CLEAR}${text}`);
  }

  /** Take the bar away. */
  clear(): void {
    if (this.shows) this.screen.write(CLEAR);
  }

  private line(): string {
    const { done, total, rate } = this;
    const filled = Math.round((BAR_WIDTH * done) / total);
    const bar = `step ${done}/${total} [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
    if (rate === 0 || !Number.isFinite(rate)) return bar;
    const speed = rate >= 1 ? `${rate.toFixed(1)} steps/s` : `${(1 / rate).toFixed(1)} s/step`;
    return `${bar} ${speed}, ${minutes((total - done) / rate)} left`;
  }
}

/** Seconds as minutes and seconds, with hours where there are any. */
function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
