import { bytesField, varintField } from '../capi/proto.js';
import { EngineError } from '../errors.js';

/** The processes that work together, and which of them this is. Every process is given the same list. */
export interface Cluster {
  /** `host:port` of each process, in order; this one listens at its own. Ports below 1024 are refused. */
  readonly tasks: readonly string[];
  /** Place of this process in `tasks`. */
  readonly index: number;
}

const JOB = 'worker';
/** The process that the others ask who belongs to a collective. */
const LEADER = `/job:${JOB}/replica:0/task:0`;

// Field numbers of tensorflow/core/protobuf/{config,cluster,tensorflow_server}.proto.
const CONFIG = { experimental: 16, collectiveGroupLeader: 1 } as const;
const CLUSTER = { job: 1, jobName: 1, jobTasks: 2, key: 1, value: 2 } as const;
const SERVER = { cluster: 1, jobName: 2, taskIndex: 3, sessionConfig: 4, protocol: 5 } as const;

/** What a ConfigProto has to hold besides, for a process of a cluster. */
export const leaderConfig = (): number[] =>
  bytesField(CONFIG.experimental, bytesField(CONFIG.collectiveGroupLeader, LEADER));

/** ServerDef bytes. @param config the ConfigProto by which the server makes its devices */
export function serverDef({ tasks, index }: Cluster, config: Uint8Array): Uint8Array {
  const addresses = tasks.flatMap((address, i) =>
    bytesField(CLUSTER.jobTasks, [...varintField(CLUSTER.key, i), ...bytesField(CLUSTER.value, address)]),
  );
  const job = bytesField(CLUSTER.job, [...bytesField(CLUSTER.jobName, JOB), ...addresses]);
  return Uint8Array.from([
    ...bytesField(SERVER.cluster, job),
    ...bytesField(SERVER.jobName, JOB),
    ...varintField(SERVER.taskIndex, index),
    ...bytesField(SERVER.sessionConfig, [...config]),
    ...bytesField(SERVER.protocol, 'grpc'),
  ]);
}

/** The two halves of `host:port`, also of `[::1]:port`. */
export function addressOf(task: string): { host: string; port: number } | null {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(task);
  if (match === null) return null;
  const port = Number(match[2]);
  return port >= 1024 && port <= 65535 ? { host: match[1]!.replace(/^\[|\]$/g, ''), port } : null;
}

/** Whether an address means this machine and nothing else. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);

/** @throws EngineError for addresses that cannot be listened at, and for a place that is not in the list */
export function checkCluster({ tasks, index }: Cluster): void {
  const fail = (problem: string): never => {
    throw new EngineError(`useEngine: cluster: ${problem}`, { code: 'usage' });
  };
  if (tasks.length === 0) fail('tasks is empty; one host:port for each process is wanted');
  if (!(Number.isInteger(index) && index >= 0 && index < tasks.length))
    fail(`index is ${index}; 0 to ${tasks.length - 1} is wanted, one for each of the ${tasks.length} tasks`);
  const wrong = tasks.find((task) => addressOf(task) === null);
  if (wrong !== undefined) fail(`task '${wrong}' is no host:port with a port from 1024 to 65535`);
  const twice = tasks.find((task, i) => tasks.indexOf(task) !== i);
  if (twice !== undefined) fail(`task '${twice}' is in the list twice`);
}
