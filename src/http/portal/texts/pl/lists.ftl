lists-all = Wszystkie
lists-apply = Pokaż
lists-clear = Wyczyść filtry
lists-csv = Pobierz jako CSV
lists-none-match = Nic nie pasuje do tych filtrów.
lists-pages = Strony listy
lists-first = Pierwsza strona
lists-next = Następna strona
lists-count = { $count ->
    [0] Brak wyników
    [one] { $count } wynik
    [few] { $count } wyniki
   *[other] { $count } wyników
}
lists-count-here = { $count ->
    [one] { $count } wynik na tej stronie
    [few] { $count } wyniki na tej stronie
   *[other] { $count } wyników na tej stronie
}
lists-figures = Te same liczby w tabeli
lists-wrong-partner = Nie ma partnera o tej nazwie.
