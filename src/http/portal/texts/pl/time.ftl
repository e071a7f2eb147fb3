time-january = stycznia
time-february = lutego
time-march = marca
time-april = kwietnia
time-may = maja
time-june = czerwca
time-july = lipca
time-august = sierpnia
time-september = września
time-october = października
time-november = listopada
time-december = grudnia
time-left-days = { $count ->
    [one] został { $count } dzień
    [few] zostały { $count } dni
   *[other] zostało { $count } dni
}
time-left-hours = { $count ->
    [one] została { $count } godzina
    [few] zostały { $count } godziny
   *[other] zostało { $count } godzin
}
time-left-minutes = { $count ->
    [one] została { $count } minuta
    [few] zostały { $count } minuty
   *[other] zostało { $count } minut
}
time-over-days = { $count ->
    [one] { $count } dzień po terminie
   *[other] { $count } dni po terminie
}
time-over-hours = { $count ->
    [one] { $count } godzina po terminie
    [few] { $count } godziny po terminie
   *[other] { $count } godzin po terminie
}
time-over-minutes = { $count ->
    [one] { $count } minuta po terminie
    [few] { $count } minuty po terminie
   *[other] { $count } minut po terminie
}
