errors-start = Do strony głównej
errors-detail = Szczegóły dla pomocy technicznej
errors-code = Kod
errors-reference = Numer żądania
errors-words = Innymi słowami
errors-help = Podaj pomocy technicznej numer żądania, a sprawdzi ona, co się stało.
