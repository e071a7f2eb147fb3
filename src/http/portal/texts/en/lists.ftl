lists-all = All
lists-apply = Show
lists-clear = Clear the filters
lists-csv = Download as CSV
lists-none-match = Nothing matches these filters.
lists-pages = Pages of the list
lists-first = First page
lists-next = Next page
lists-count = { $count ->
    [0] No results
    [one] { $count } result
   *[other] { $count } results
}
lists-count-here = { $count ->
    [one] { $count } result on this page
   *[other] { $count } results on this page
}
lists-figures = The same as a table
lists-wrong-partner = There is no partner with this name.
