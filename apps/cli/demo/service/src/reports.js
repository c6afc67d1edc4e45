'use strict';

const { store } = require('./store');

// How many parcels each depot holds, in the order asked for. All depots are looked at in parallel.
function loadByDepot(depots, done) {
  const report = [];
  let pending = depots.length;
  let failed = false;
  if (pending === 0) return done(null, report);
  depots.forEach((id, index) => {
    store.get(`depot:${id}`, (err, depot) => {
      if (failed) return;
      if (err && err.code !== 'NOT_FOUND') {
        failed = true;
        return done(err);
      }
      // A depot that was torn down is no error: its line says zero.
      if (err) return finish(index, { depot: id, parcels: 0 });
      store.list('parcel:', (err, parcels) => {
        if (failed) return;
        if (err) {
          failed = true;
          return done(err);
        }
        finish(index, { depot: id, parcels: parcels.filter((parcel) => parcel.depot === depot.id).length });
      });
    });
  });

  function finish(index, line) {
    report[index] = line;
    pending -= 1;
    if (pending === 0) done(null, report);
  }
}

module.exports = { loadByDepot };
