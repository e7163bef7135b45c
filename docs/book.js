// Code and tables that are wider than the page scroll by keyboard too.
'use strict';
for (const wide of document.querySelectorAll('pre > code, .table-wrapper')) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}
