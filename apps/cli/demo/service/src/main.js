'use strict';

const http = require('node:http');
const { answer } = require('./server');

const server = http.createServer((request, response) => {
  answer(request.url).then(
    ({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (err) => response.writeHead(500).end(err.message),
  );
});

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
