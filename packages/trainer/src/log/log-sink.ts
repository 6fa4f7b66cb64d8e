/** An encoded picture with its size. */
export interface LoggedImage {
  readonly width: number;
  readonly height: number;
  /** A PNG file. */
  readonly png: Uint8Array;
}

/** Where a run's numbers, pictures and texts go. */
export interface LogSink {
  scalars(step: number, values: Readonly<Record<string, number>>): Promise<void>;
  image(step: number, name: string, image: LoggedImage): Promise<void>;
  text(step: number, name: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** Several sinks as one. */
export function joinSinks(sinks: readonly LogSink[]): LogSink {
  const each = async (act: (sink: LogSink) => Promise<void>): Promise<void> => {
    for (const sink of sinks) await act(sink);
  };
  return {
    scalars: (step, values) => each((sink) => sink.scalars(step, values)),
    image: (step, name, image) => each((sink) => sink.image(step, name, image)),
    text: (step, name, text) => each((sink) => sink.text(step, name, text)),
    close: () => each((sink) => sink.close()),
  };
}
