/*---
description: >
  One row a transaction, with its hour, its band of amount, and whether the balances before and after it add up.
passing: 99%
checks:
  - unique: transaction_id
  - accepted_values: {type: [PAYMENT, TRANSFER, CASH_OUT, CASH_IN, DEBIT]}
  - row: "amount >= 0"
tags: [silver]
---*/
-- The sender's balance falls by the amount, but for a cash-in, and never below zero. That of a merchant (M...) is not known.
SELECT
    "transactionID" AS transaction_id,
    "timestamp" AS happened_at,
    date_trunc('hour', "timestamp") AS hour_start,
    "timestamp"::DATE AS day,
    hour("timestamp") AS hour,
    isodow("timestamp") AS weekday, -- 1 is Monday
    "type",
    amount,
    CASE
        WHEN amount < 1000 THEN 1
        WHEN amount < 10000 THEN 2
        WHEN amount < 100000 THEN 3
        WHEN amount < 1000000 THEN 4
        ELSE 5
    END AS band,
    "nameOrig" AS sender,
    "nameDest" AS receiver,
    "oldbalanceOrg" AS sender_before,
    "newbalanceOrig" AS sender_after,
    "oldbalanceDest" AS receiver_before,
    "newbalanceDest" AS receiver_after,
    "isFraud" = 1 AS is_fraud,
    CASE
        WHEN "type" = 'CASH_IN' THEN "newbalanceOrig" <> "oldbalanceOrg" + amount
        ELSE "newbalanceOrig" <> greatest("oldbalanceOrg" - amount, 0)
    END AS sender_is_off,
    CASE
        WHEN "nameDest" LIKE 'M%' THEN NULL
        WHEN "type" = 'CASH_IN' THEN "newbalanceDest" <> greatest("oldbalanceDest" - amount, 0)
        ELSE "newbalanceDest" <> "oldbalanceDest" + amount
    END AS receiver_is_off
FROM bronze.transactions
