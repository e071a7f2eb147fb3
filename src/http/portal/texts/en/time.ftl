time-january = January
time-february = February
time-march = March
time-april = April
time-may = May
time-june = June
time-july = July
time-august = August
time-september = September
time-october = October
time-november = November
time-december = December
time-left-days = { $count ->
    [one] { $count } day left
   *[other] { $count } days left
}
time-left-hours = { $count ->
    [one] { $count } hour left
   *[other] { $count } hours left
}
time-left-minutes = { $count ->
    [one] { $count } minute left
   *[other] { $count } minutes left
}
time-over-days = { $count ->
    [one] { $count } day overdue
   *[other] { $count } days overdue
}
time-over-hours = { $count ->
    [one] { $count } hour overdue
   *[other] { $count } hours overdue
}
time-over-minutes = { $count ->
    [one] { $count } minute overdue
   *[other] { $count } minutes overdue
}
