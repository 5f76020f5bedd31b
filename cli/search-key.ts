import type { Command } from 'commander';
import { searchKey } from '#apply';
import type { SearchKey } from '#apply';
import { searchSettings } from '#platform/config';
import { settingsOf } from './output.ts';

/** The key of the digests by which customers are found; undefined where it is not set. */
export const searchKeyOf = (command: Command): SearchKey | undefined => {
  const text = settingsOf(command, searchSettings).searchKey();
  return text === undefined ? undefined : searchKey(text);
};
