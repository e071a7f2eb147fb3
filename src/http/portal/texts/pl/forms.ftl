forms-problem = Coś się nie zgadza
forms-error = Błąd:
forms-optional = (nieobowiązkowe)
forms-choose = Wybierz
forms-zloty = zł
