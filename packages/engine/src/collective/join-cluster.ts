import type { Native, Pointer } from '../capi/native.js';
import type { Status } from '../capi/status.js';
import { EngineError } from '../errors.js';
import { addressOf, type Cluster, isLoopback, serverDef } from './cluster.js';
import { listenOnLoopbackOnly } from './loopback.js';

/**
 * Start this process's server in the cluster. The context's devices are then those that the server made.
 * @param config ConfigProto bytes of the context
 * @throws EngineError if the port is taken, or cannot be kept from other machines where all processes are on this one
 */
export function joinCluster(
  native: Native,
  context: Pointer,
  cluster: Cluster,
  config: Uint8Array,
  status: Status,
): void {
  // gRPC would ask a proxy of the environment for its neighbours.
  const hosts = cluster.tasks.map((task) => addressOf(task)!.host);
  const { no_grpc_proxy: without = process.env.no_proxy } = process.env;
  process.env.no_grpc_proxy = [...(without ? [without] : []), ...new Set(hosts)].join(',');
  const definition = serverDef(cluster, config);
  native.TFE_EnableCollectiveOps!(context, definition, definition.length, status.pointer);
  const own = cluster.tasks[cluster.index]!;
  const error = status.error();
  if (error !== null)
    throw new EngineError(
      `useEngine: cluster: no server at ${own}: ${error.message} Give this task a port that is free.`,
      { code: error.code },
    );
  if (hosts.every(isLoopback)) listenOnLoopbackOnly(addressOf(own)!.port);
}
