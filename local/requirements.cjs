'use strict';
// What a machine needs before anything is downloaded, and where the
// servers will come from. Any Node >= 14, no dependencies.
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const MIN_NODE = 20;
const MIN_JAVA = 17;
const PROBE_MS = 10000;

const ADDRESSES = ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'SCHEMA_REGISTRY_URL'];

/** The output of a command, both streams; undefined when it cannot be run or fails. */
const outputOf = (command, args) => {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: PROBE_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  return result.status === 0 ? result.stdout + result.stderr : undefined;
};

const javaCommand = (environment) => {
  const byHome = environment.JAVA_HOME ? path.join(environment.JAVA_HOME, 'bin', 'java') : undefined;
  return byHome !== undefined && fs.existsSync(byHome) ? byHome : 'java';
};

/** How this machine answers. Functions, so that Docker is asked only where it matters. */
const machine = (environment) => ({
  java: () => outputOf(javaCommand(environment), ['-version']),
  maven: () => outputOf('mvn', ['-version']),
  docker: () => outputOf('docker', ['compose', 'version']) !== undefined && outputOf('docker', ['info']) !== undefined,
});

/** `openjdk version "17.0.15" 2025-04-15` gives 17, `java version "1.8.0_392"` gives 8; undefined for anything else. */
const javaMajor = (output) => {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(output || '');
  if (match === null) return undefined;
  return Number(match[1] === '1' ? match[2] : match[1]);
};

const HOW_JAVA =
  'a JDK or JRE of Java 17 or newer (Debian and Ubuntu: apt install default-jre-headless, macOS: brew install openjdk)';
const HOW_MAVEN = 'Maven (Debian and Ubuntu: apt install maven, macOS: brew install maven)';

/**
 * Where the servers come from: 'given' (all four addresses are set), 'maven' (Java and Maven are here) or 'docker' (an
 * engine answers); else `missing`, one sentence that says what to install.
 */
const chooseServers = (environment, probe) => {
  if (ADDRESSES.every((name) => environment[name])) return { servers: 'given' };
  const java = javaMajor(probe.java());
  const hasJava = java !== undefined && java >= MIN_JAVA;
  const hasMaven = probe.maven() !== undefined;
  if (hasJava && hasMaven) return { servers: 'maven' };
  if (probe.docker()) return { servers: 'docker' };
  const found = java === undefined ? 'was not found' : `was found as Java ${java}, which is too old`;
  const orDocker = 'or start a Docker engine with the compose plugin';
  if (!hasJava && !hasMaven)
    return {
      missing: `Java, which runs Kafka and the schema registry, ${found} and Maven was not found: install ${HOW_JAVA} and ${HOW_MAVEN}, ${orDocker}.`,
    };
  if (!hasJava)
    return { missing: `Java, which runs Kafka and the schema registry, ${found}: install ${HOW_JAVA}, ${orDocker}.` };
  return { missing: `Maven, which fetches the servers, was not found: install ${HOW_MAVEN}, ${orDocker}.` };
};

/** The sentence about a Node that cannot even install the rest; undefined for one that can. */
const nodeTooOld = (version) =>
  Number(version.split('.')[0]) >= MIN_NODE
    ? undefined
    : `Node ${version} is too old: install Node 20 or newer (nvm install 24, or the installer of the Node.js site) and run the command again.`;

module.exports = { chooseServers, javaMajor, machine, nodeTooOld };
