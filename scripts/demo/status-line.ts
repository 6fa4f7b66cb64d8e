/** Where a line goes: `process.stdout`, or a test's. */
export interface LineScreen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const CLEAR = '\r\x1b[2K';
/** Redrawing more often than this tells nobody more. */
const PAUSE_MS = 100;

/** One line that changes while something goes on, and stays when it is done. Without a terminal only what stays is written. */
export class StatusLine {
  private shownAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly screen: LineScreen) {}

  show(text: string): void {
    if (!this.screen.isTTY || performance.now() - this.shownAt < PAUSE_MS) return;
    this.shownAt = performance.now();
    this.screen.write(CLEAR + text.slice(0, (this.screen.columns ?? 80) - 1));
  }

  done(text: string): void {
    this.screen.write(`${this.screen.isTTY ? CLEAR : ''}${text}\n`);
    this.shownAt = Number.NEGATIVE_INFINITY;
  }
}
