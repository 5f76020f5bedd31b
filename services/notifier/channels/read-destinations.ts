import { familyNames } from '#catalogue';
import { columnSpec } from '#families';
import type { DestinationSpec } from '../rules/rules.ts';
import { readShape } from '../rules/read-shape.ts';
import { destinationShape, isName, NO_NAME } from '../rules/shapes.ts';
import type { DestinationShape } from '../rules/shapes.ts';
import { problemAt } from '../rules/yaml-file.ts';
import type { Problem, YamlFile } from '../rules/yaml-file.ts';
import { parseAllowList } from './address-guard.ts';
import { checkUrl } from './target.ts';

/** For what a destination must have. */
const STAND_INS = {
  secrets_env: 'NOT_READ',
  smtp_url_env: 'NOT_READ',
  from: 'not@read.example',
  to: 'not@read.example',
};

export const readDestinations = (
  file: YamlFile,
  given: Readonly<Record<string, unknown>>,
  problems: Problem[],
): ReadonlyMap<string, DestinationSpec> => {
  const destinations = new Map<string, DestinationSpec>();
  for (const [name, value] of Object.entries(given)) {
    const path = ['destinations', name];
    if (!isName(name)) problems.push(problemAt(file, path, NO_NAME));
    const { data, wrong } = readShape(file, path, { shape: destinationShape, value, standIns: STAND_INS }, problems);
    if (data === null) continue;
    problems.push(
      ...wrongWith(data)
        .filter(({ key }) => !wrong.some(([told]) => told === key || (key === 'url' && told === 'url_env')))
        .map(({ key, text }) => problemAt(file, [...path, key], text)),
    );
    if (wrong.length === 0) destinations.set(name, { name, line: file.lineOf(path), settings: data });
  }
  return destinations;
};

/** What a shape cannot say. */
const wrongWith = (settings: DestinationShape): readonly { readonly key: string; readonly text: string }[] => {
  if (settings.type !== 'http' && settings.type !== 'slack') return [];
  const allowed = parseAllowList(settings.allow);
  const issues = allowed.ok ? [] : allowed.issues.map((text) => ({ key: 'allow', text }));
  if (settings.type === 'slack') return issues;
  if ((settings.url === undefined) === (settings.url_env === undefined))
    issues.push({ key: 'url', text: 'give either url or url_env' });
  if (settings.url !== undefined && allowed.ok) {
    const url = checkUrl(settings.url, allowed.value);
    if (!url.ok) issues.push(...url.issues.map((text) => ({ key: 'url', text })));
  }
  for (const column of settings.personal_columns) {
    const specs = familyNames.map((family) => columnSpec(family, column)).filter((spec) => spec !== undefined);
    if (!specs.some(({ personal }) => personal))
      issues.push({
        key: 'personal_columns',
        text: `no table has a personal column "${column}"; all others are sent anyway`,
      });
  }
  return issues;
};
