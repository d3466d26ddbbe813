/*---
description: Transactions by hour, type and band of amount; sums of the rows are those of silver.transactions.
checks:
  - unique: [hour_start, type, band]
tags: [gold]
---*/
SELECT
    hour_start,
    day,
    hour,
    weekday,
    type,
    band,
    count(*) AS transactions,
    sum(amount)::DECIMAL(18, 2) AS amount,
    count(*) FILTER (is_fraud) AS frauds,
    coalesce(sum(amount) FILTER (is_fraud), 0)::DECIMAL(18, 2) AS fraud_amount,
    count(*) FILTER (sender_is_off) AS sender_off,
    count(*) FILTER (receiver_is_off) AS receiver_off
FROM silver.transactions
GROUP BY ALL
