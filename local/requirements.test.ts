import { chooseServers, javaMajor, nodeTooOld } from './requirements.cjs';
import type { Probe } from './requirements.cjs';

const java = (version: string): string => `openjdk version "${version}" 2025-04-15\nOpenJDK Runtime Environment\n`;
const machineWith = (found: {
  readonly java?: string;
  readonly maven?: boolean;
  readonly docker?: boolean;
}): Probe => ({
  java: () => (found.java === undefined ? undefined : java(found.java)),
  maven: () => (found.maven === true ? 'Apache Maven 3.8.7' : undefined),
  docker: () => found.docker === true,
});
const missingOn = (probe: Probe): string => {
  const choice = chooseServers({}, probe);
  if (!('missing' in choice)) throw new Error(`chose ${choice.servers}`);
  return choice.missing;
};

test.each([
  ['17.0.15', 17],
  ['21-ea', 21],
  ['25', 25],
  ['1.8.0_392', 8],
  ['11.0.2', 11],
])('java %s is Java %d', (version, major) => {
  expect(javaMajor(java(version))).toBe(major);
});

test('what is no Java version is none', () => {
  expect(javaMajor(undefined)).toBeUndefined();
  expect(javaMajor('The operation could not be completed. Unable to locate a Java Runtime.')).toBeUndefined();
});

test('Java 17 and Maven are enough, and Docker is then not asked', () => {
  const probe = machineWith({ java: '17.0.15', maven: true });
  const choice = chooseServers(
    {},
    {
      ...probe,
      docker: () => {
        throw new Error('asked');
      },
    },
  );
  expect(choice).toEqual({ servers: 'maven' });
});

test('without Maven or with an old Java, a Docker engine that answers is taken', () => {
  expect(chooseServers({}, machineWith({ java: '21.0.1', docker: true }))).toEqual({ servers: 'docker' });
  expect(chooseServers({}, machineWith({ java: '11.0.2', maven: true, docker: true }))).toEqual({ servers: 'docker' });
  expect(chooseServers({}, machineWith({ docker: true }))).toEqual({ servers: 'docker' });
});

test('nothing is needed when all four addresses are given, and three are not all', () => {
  const three = { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'b', REDIS_URL: 'c' };
  expect(chooseServers({ ...three, SCHEMA_REGISTRY_URL: 'd' }, machineWith({}))).toEqual({ servers: 'given' });
  expect(chooseServers({ ...three, SCHEMA_REGISTRY_URL: '' }, machineWith({}))).toHaveProperty('missing');
});

test('what is missing is named in one sentence that says how to get it', () => {
  expect(missingOn(machineWith({ java: '17.0.1' }))).toMatch(
    /^Maven, which fetches the servers, was not found: install Maven .*apt install maven/,
  );
  expect(missingOn(machineWith({ java: '11.0.2', maven: true }))).toMatch(
    /^Java, .* was found as Java 11, which is too old: install .*17 or newer/,
  );
  expect(missingOn(machineWith({}))).toMatch(/^Java, .* was not found and Maven was not found: install .* and Maven /);
  for (const found of [{}, { java: '17.0.1' }, { maven: true }]) {
    const sentence = missingOn(machineWith(found));
    expect(sentence.endsWith('.') && !sentence.includes('\n') && !sentence.includes('. ')).toBe(true);
  }
});

test('Node 20 is enough to begin, Node 18 is refused by name', () => {
  expect(nodeTooOld('20.0.0')).toBeUndefined();
  expect(nodeTooOld('24.21.0')).toBeUndefined();
  expect(nodeTooOld('18.20.4')).toMatch(/^Node 18\.20\.4 is too old: install Node 20 or newer/);
});
