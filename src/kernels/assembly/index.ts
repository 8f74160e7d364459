// One line per topic; the exports of all of them make the module.
