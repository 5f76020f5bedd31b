import type { Admin } from 'kafkajs';
import type { PartitionLog } from '../contracts.ts';
import { logsOf } from '../log-ends.ts';

/** Asks Kafka where the logs of a topic begin and end. Names are without the prefix. */
export interface PartitionLogs {
  /** Rejects when Kafka cannot be asked. Callers that ask while an answer is on its way share it. */
  readonly of: (topic: string) => Promise<ReadonlyMap<number, PartitionLog>>;
  readonly ofPartition: (topic: string, partition: number) => Promise<PartitionLog>;
}

export const createPartitionLogs = (admin: Admin, prefix: string): PartitionLogs => {
  let clusterId: Promise<string> | undefined;
  const asking = new Map<string, Promise<ReadonlyMap<number, PartitionLog>>>();

  /** A cluster's id never changes while a client is connected to it. */
  const readClusterId = (): Promise<string> => {
    clusterId ??= admin.describeCluster().then((cluster) => cluster.clusterId);
    clusterId.catch(() => (clusterId = undefined));
    return clusterId;
  };

  const read = async (topic: string): Promise<ReadonlyMap<number, PartitionLog>> => {
    const logs = await logsOf(admin, topic, prefix, await readClusterId());
    return new Map(logs.map((log) => [log.partition, log]));
  };

  const of = (topic: string): Promise<ReadonlyMap<number, PartitionLog>> => {
    const known = asking.get(topic);
    if (known !== undefined) return known;
    const answer = read(topic).finally(() => asking.delete(topic));
    asking.set(topic, answer);
    return answer;
  };

  return {
    of,
    ofPartition: async (topic, partition) => {
      const found = (await of(topic)).get(partition);
      if (found === undefined) throw new Error(`Kafka has no partition ${partition} of ${topic}`);
      return found;
    },
  };
};
