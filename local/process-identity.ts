import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What tells a process from a later one with the same pid: its start time and, as that counts from boot, the boot.
 * `undefined` when it is gone (a zombie counts as gone: it holds nothing any more).
 */
export const identityOf = (pid: number): string | undefined => {
  if (process.platform !== 'linux') return identityByPs(pid);
  try {
    const { state, startTicks } = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    if (state === 'Z' || state === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${startTicks}`;
  } catch {
    return undefined;
  }
};

/**
 * Fields 3 and 22 of /proc/<pid>/stat (man proc_pid_stat); the command in field 2 may itself hold spaces and brackets.
 */
export const parseProcStat = (stat: string): { readonly state: string; readonly startTicks: string } => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'X', startTicks: fields[19] ?? '' };
};

const identityByPs = (pid: number): string | undefined => {
  try {
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || undefined
    );
  } catch {
    return undefined;
  }
};
