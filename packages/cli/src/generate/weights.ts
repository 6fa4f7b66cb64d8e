import { existsSync } from 'node:fs';
import { expectMemory } from '@codiff/engine';
import {
  type Checkpoint,
  CheckpointMismatch,
  type KeyReport,
  loadParams,
  type MatchOptions,
  matchKeys,
  type ParamSpec,
  Params,
  type StartingPoint,
  TensorToWrite,
} from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { InputError } from '../input-error.js';
import { neededSpecs, UNNEEDED } from './needed-weights.js';
import { weightStorage } from './weight-storage.js';

interface Source {
  readonly checkpoint: Checkpoint;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly options: MatchOptions;
}

/** The checkpoint lacks weights that files of its config would give, if they were there. */
export class AbsentWeights extends CheckpointMismatch {
  constructor(
    report: KeyReport,
    /** Paths of those files, as the config has them. */
    readonly files: readonly string[],
  ) {
    super(report);
  }
}

/** Where each weight that sampling needs comes from. Headers are read, values are not. */
export class WeightPlan {
  private constructor(private readonly sources: readonly Source[]) {}

  /**
   * Find all weights in the checkpoint; what it lacks, in the files that its config names. The checkpoint alone is enough where
   * it holds all, though the original always wants the others too (quirk 2).
   * @param specs everything that the model stores @param path of the checkpoint
   * @param startingPoints of the model; where two hold a weight, the later one gives it
   * @param unneeded file keys that the use at hand has none for; sampling's by default
   * @throws CheckpointError if files are damaged, CheckpointMismatch if the weights are another model's, AbsentWeights if they may lie
   *   in files that are not there
   */
  static async open(
    specs: ReadonlyMap<string, ParamSpec>,
    path: string,
    startingPoints: readonly StartingPoint[],
    unneeded: readonly RegExp[] = UNNEEDED,
  ): Promise<WeightPlan> {
    const sources: Source[] = [];
    const plan = new WeightPlan(sources);
    const opened: Checkpoint[] = [];
    const absent: string[] = [];
    try {
      const checkpoint = await openCheckpointFile(path);
      opened.push(checkpoint);
      refuseOtherScale(specs, checkpoint);
      const needed = neededSpecs(specs, unneeded);
      const { report } = matchKeys(needed, path, checkpoint.tensors, { drop: unneeded });
      const missing = new Map(report.missing.map((key) => [key, needed.get(key)!]));
      sources.push({ checkpoint, specs: without(needed, missing), options: { drop: unneeded } });
      if (report.misshapen.length + report.unexpected.length > 0) throw mismatch(report);
      for (const { file, prefixMap, ignoreKeys } of [...startingPoints].reverse()) {
        // A file's keys all lead below some prefix: nothing else can come from it.
        const reached = ([key]: [string, ParamSpec]) => prefixMap.some(([, to]) => key.startsWith(to));
        const wanted = new Map([...missing].filter(reached));
        if (wanted.size === 0) continue;
        if (!existsSync(file)) {
          absent.push(file);
          continue;
        }
        const options = { prefixMap, ignoreKeys, drop: [/./] };
        const other = await openCheckpointFile(file);
        opened.push(other);
        const { report: found } = matchKeys(wanted, file, other.tensors, options);
        const matched = new Map(found.matched.map((key) => [key, missing.get(key)!]));
        sources.push({ checkpoint: other, specs: matched, options });
        if (found.misshapen.length > 0) throw mismatch(found);
        for (const key of matched.keys()) missing.delete(key);
      }
      if (missing.size > 0) {
        const left = mismatch({ ...report, missing: [...missing.keys()] });
        throw absent.length === 0 ? left : new AbsentWeights(left.report, absent);
      }
      return plan;
    } catch (error) {
      for (const checkpoint of opened) await checkpoint.close();
      throw error;
    }
  }

  /**
   * The weights on the device; the caller owns them. Averages of weights have taken the weights' place.
   * @param wants keys to load, by the names under which the model reads them; all by default
   * @param storage how they are kept there
   */
  async load(wants: (key: string) => boolean = () => true, storage = weightStorage('float32')): Promise<Params> {
    const loaded = new Params();
    const isWanted = ({ key, init }: ParamSpec) => wants(init.kind === 'copy' ? init.of.key : key);
    const loads = this.sources.map(({ checkpoint, specs, options }) => {
      const wanted = new Map([...specs].filter(([, spec]) => isWanted(spec)));
      return { checkpoint, wanted, options: { ...options, drop: [/./] } };
    });
    const all = loads.flatMap(({ wanted }) => [...wanted.values()]);
    void expectMemory(all.reduce((sum, spec) => sum + storage.bytesOf(spec), 0));
    try {
      for (const { checkpoint, wanted, options } of loads) {
        if (wanted.size === 0) continue;
        const { params } = await loadParams(wanted, checkpoint, { ...options, upload: storage.upload });
        for (const [key, tensor] of params) loaded.set(key, tensor);
      }
    } catch (error) {
      loaded.dispose();
      throw error;
    }
    for (const { key, init } of all) {
      if (init.kind !== 'copy') continue;
      loaded.get(init.of.key)?.dispose();
      loaded.set(init.of.key, loaded.get(key)!);
      loaded.delete(key);
    }
    return loaded;
  }

  /** The weights as tensors of another file, copied byte for byte from those they lie in when their turn comes. */
  copies(): Map<string, TensorToWrite> {
    const copies = new Map<string, TensorToWrite>();
    for (const { checkpoint, specs, options } of this.sources) {
      const { sources } = matchKeys(specs, checkpoint.file, checkpoint.tensors, options);
      for (const [key, { fileKey, tensor }] of sources) {
        copies.set(key, new TensorToWrite(tensor.dtype, tensor.shape, () => checkpoint.readBytes(fileKey)));
      }
    }
    return copies;
  }

  /** Close the files. */
  async close(): Promise<void> {
    for (const { checkpoint } of this.sources) await checkpoint.close();
  }
}

/** Latents of one scale decoded by another are no error that shows, only a bad picture. */
function refuseOtherScale(specs: ReadonlyMap<string, ParamSpec>, { file, tensors }: Checkpoint): void {
  if (!tensors.has('scale_factor') || specs.has('scale_factor')) return;
  throw new InputError(
    `${file}: was trained with a measured scale_factor, and the config gives a number; set 'scale_factor: auto' under model.params, or take the config in the run's folder`,
  );
}

/** What is not needed is no part of what is wrong. */
const mismatch = (report: KeyReport) => new CheckpointMismatch({ ...report, dropped: [] });

function without(specs: ReadonlyMap<string, ParamSpec>, left: ReadonlyMap<string, ParamSpec>): Map<string, ParamSpec> {
  return new Map([...specs].filter(([key]) => !left.has(key)));
}
