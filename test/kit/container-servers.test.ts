import { composeFile } from './container-servers.ts';

test('what tests start in containers is what deploy/compose.yaml says, with the images of deploy/images.env', () => {
  const { services, configs } = composeFile({
    DAKIA_KAFKA_PORT: '29092',
    DAKIA_POSTGRES_PASSWORD: 'drawn',
    DAKIA_REDIS_PASSWORD: 'another',
  });
  const { kafka, postgres, redis, registry } = services;
  expect(kafka).toMatchObject({
    image: expect.stringMatching(/^apache\/kafka:/) as string,
    environment: { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://127.0.0.1:29092' },
    ports: ['127.0.0.1:29092:9092'],
  });
  expect(postgres).toMatchObject({ environment: { POSTGRES_PASSWORD: 'drawn' }, ports: ['127.0.0.1:5432:5432'] });
  expect(redis?.configs).toEqual([{ source: 'redis', target: '/etc/redis.conf' }]);
  expect(configs['redis']?.content).toContain('requirepass another');
  expect(registry?.image).toMatch(/^apicurio\//);
});

test('a value that must be given is asked for by name', () => {
  expect(() => composeFile({})).toThrow('DAKIA_POSTGRES_PASSWORD is not set: choose one');
});
