import type { TrainEvent } from '@codiff/trainer';
import type { ProgressScreen } from '../generate/progress.js';

const BAR_WIDTH = 20;
/** Back to the start of the line, and clear it. */
const CLEAR = '\r\x1b[2K';

type Paced = Extract<TrainEvent, { kind: 'pace' }>;

/**
 * Shows a training run: a bar with loss, images/s and time left on a terminal, and a line for what deserves one. Without a
 * terminal there are lines alone, one for each line of the log.
 */
export class TrainShow {
  private bar = '';

  /** @param print takes a line @param screen where the bar is drawn; nothing is drawn on anything but a terminal */
  constructor(
    private readonly print: (line: string) => void,
    private readonly screen: ProgressScreen,
  ) {}

  /** A line of its own. */
  note(line: string): void {
    this.clear();
    this.print(line);
    this.draw();
  }

  event(event: TrainEvent): void {
    if (event.kind === 'pace' && this.screen.isTTY) {
      this.clear();
      this.bar = barOf(event);
      this.draw();
    } else {
      const line = lineOf(event);
      if (line !== null) this.note(line);
    }
  }

  /** Take the bar away. */
  end(): void {
    this.clear();
    this.bar = '';
  }

  private clear(): void {
    if (this.screen.isTTY && this.bar !== '') this.screen.write(CLEAR);
  }

  private draw(): void {
    if (this.screen.isTTY && this.bar !== '') this.screen.write(this.bar.slice(0, (this.screen.columns ?? 80) - 1));
  }
}

/** `epoch 2 step 120 [####......] loss 0.0841 31.5 images/s, 0:42 left`. */
function barOf({ progress, values, pace, forecast }: Paced): string {
  const filled = Math.round(BAR_WIDTH * (forecast.done ?? 0));
  const bar = forecast.done === null ? '' : ` [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
  const left = forecast.left === null ? '' : `, ${duration(forecast.left)} left`;
  return `epoch ${progress.epoch} step ${progress.globalStep}${bar} ${lossOf(values)}${speedOf(pace)}${left}`;
}

/** One line for what deserves one. */
function lineOf(event: TrainEvent): string | null {
  switch (event.kind) {
    case 'step':
      return null;
    case 'pace': {
      if (!event.logged) return null;
      const { progress, values, pace, forecast } = event;
      const left = forecast.left === null ? '' : `, ${duration(forecast.left)} left`;
      return `epoch ${progress.epoch} batch ${progress.batch} step ${progress.globalStep}${all(values)} ${speedOf(pace)}${left}`;
    }
    case 'epoch':
      return `epoch ${event.progress.epoch} took ${event.seconds.toFixed(1)} s, peak memory ${Math.round(event.peakBytes / 2 ** 20)} MiB`;
    case 'validation':
      return `epoch ${event.progress.epoch} validation${all(event.values)}`;
    case 'saved':
      return `saved at step ${event.progress.globalStep}`;
    case 'images':
      return `${event.files.length} images at step ${event.progress.globalStep}`;
    case 'warning':
      return `warning: ${event.message}`;
  }
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

const all = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name} ${short(value)}`)
    .join('');

/** The value that is minimised. */
function lossOf(values: Readonly<Record<string, number>>): string {
  const loss = values['train/loss'] ?? values['train/total_loss'];
  return loss === undefined ? '' : `loss ${short(loss)} `;
}

const speedOf = ({ imagesPerSecond, waitShare }: Paced['pace']): string =>
  `${imagesPerSecond.toPrecision(3)} images/s, ${(100 * waitShare).toFixed(1)} % waiting`;

/** Seconds as minutes and seconds, with hours where there are any. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
