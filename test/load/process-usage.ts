import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU in ticks of 10 ms (USER_HZ), for every program alike: proc(5). */
const TICK_MICROS = 10_000;

interface ProcessCpu {
  readonly parent: number;
  /** User and system time of the process and of its ended children, in µs. */
  readonly micros: number;
}

/**
 * CPU that a process and everything under it has used so far, in µs: Postgres works in a child per connection. Children
 * that ended are in their parent's sum. 0 where there is no /proc.
 */
export const cpuOfTree = (root: number): number => {
  const processes = allProcesses();
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  return [...processes].reduce((sum, [pid, { micros }]) => (isBelow(pid) ? sum + micros : sum), 0);
};

const allProcesses = (): ReadonlyMap<number, ProcessCpu> => {
  const found = new Map<number, ProcessCpu>();
  for (const name of folders()) {
    if (!/^\d+$/.test(name)) continue;
    const cpu = cpuOf(name);
    if (cpu !== undefined) found.set(Number(name), cpu);
  }
  return found;
};

const folders = (): readonly string[] => {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
};

/** Undefined when it ended since it was listed. */
const cpuOf = (pid: string): ProcessCpu | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in brackets and may hold anything: what follows
    // the last one is state, ppid, … utime is the 12th of it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), micros: ticks * TICK_MICROS };
  } catch {
    return undefined;
  }
};

/** Memory of a process that is in RAM, in bytes; 0 where there is no /proc. */
export const residentBytes = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};
